// SPDX-License-Identifier: GPL-2.0-or-later
#include "resv_host.h"

#include <string.h>

#define HEAD	   24u
#define HEAD_EXT   64u
#define ENTRY	   24u
#define ENTRY_EXT  64u
#define PAGE	   4096u
#define DRAIN_MOST 300u

const char *resv_na(const struct facts *f)
{
	const char *alone = duo_na(f);
	const struct facts_ns *ns = duo_ns(f);

	if (!(le16_get(f->id.oncs) & NVME_CTRL_ONCS_RESERVATIONS))
		return rig_na_text("ONCS is %04Xh: no reservations", le16_get(f->id.oncs));
	if (alone)
		return alone;
	return ns && !ns->id.rescap ? "RESCAP is 0: no reservations on the shared namespace" : NULL;
}

static struct cmd resv_cmd(const struct resv *v, uint8_t opcode, uint32_t dw10, void *data,
			   size_t len)
{
	struct cmd c = cmd_raw(opcode, v->nsid);

	c.sqe.cdw10 = le32_from(dw10);
	c.dir = CMD_OUT;
	c.data = data;
	c.data_len = len;
	return c;
}

struct cpl resv_register(struct resv *v, unsigned by, uint32_t dw10, uint64_t crkey, uint64_t nrkey)
{
	uint8_t data[16];

	le64_put(data, crkey);
	le64_put(data + 8, nrkey);
	return rig_io(v->r, v->d->q[by], resv_cmd(v, nvme_cmd_resv_register, dw10, data, 16));
}

struct cpl resv_acquire(struct resv *v, unsigned by, uint32_t dw10, unsigned type, uint64_t crkey,
			uint64_t prkey)
{
	uint8_t data[16];

	le64_put(data, crkey);
	le64_put(data + 8, prkey);
	return rig_io(v->r, v->d->q[by],
		      resv_cmd(v, nvme_cmd_resv_acquire, dw10 | type << 8, data, 16));
}

struct cpl resv_release(struct resv *v, unsigned by, uint32_t dw10, unsigned type, uint64_t crkey)
{
	uint8_t data[8];

	le64_put(data, crkey);
	return rig_io(v->r, v->d->q[by],
		      resv_cmd(v, nvme_cmd_resv_release, dw10 | type << 8, data, 8));
}

struct cmd resv_report_cmd(const struct resv *v, void *data, size_t len, bool eds)
{
	struct cmd c = resv_cmd(v, nvme_cmd_resv_report, (uint32_t)(len / 4 - 1), data, len);

	c.sqe.cdw11 = le32_from(eds);
	c.dir = CMD_IN;
	return c;
}

static struct resv_entry read_entry(const struct resv *v, const uint8_t *at)
{
	struct resv_entry e = { .cntlid = le16_at(at), .holds = at[2] & 1 };

	e.key = le64_at(at + (v->extended ? 8 : 16));
	memcpy(e.host, at + (v->extended ? 16 : 8), v->extended ? 16 : 8);
	return e;
}

void resv_report(struct resv *v, unsigned by, struct resv_state *ret)
{
	size_t head = v->extended ? HEAD_EXT : HEAD, entry = v->extended ? ENTRY_EXT : ENTRY;
	uint8_t *page = rig_mem(v->r, PAGE);

	memset(ret, 0, sizeof(*ret));
	rig_io_ok(v->r, v->d->q[by], resv_report_cmd(v, page, PAGE, v->extended));
	ret->generation = le32_at(page);
	ret->type = page[4];
	ret->ptpls = page[9];
	ret->n = le16_at(page + 5);
	REQUIRE_TRUE(v->r, ret->n <= ARRAY_SIZE(ret->at), "%u registrants, of two hosts", ret->n);
	for (unsigned i = 0; i < ret->n; i++)
		ret->at[i] = read_entry(v, page + head + i * entry);
}

const struct resv_entry *resv_find(const struct resv *v, const struct resv_state *s, unsigned who)
{
	for (unsigned i = 0; i < s->n; i++)
		if (!memcmp(s->at[i].host, v->id[who], 16))
			return &s->at[i];
	return NULL;
}

/* ---- before and after ---- */

/* Whatever is left: a key by force, then Clear. Never checks. */
static void clear_all(void *arg)
{
	struct resv *v = arg;
	struct ctrl *c = v->d->c[0];
	struct sq *q = v->d->q[0];
	uint8_t data[16];
	struct cmd reg = resv_cmd(v, nvme_cmd_resv_register, RESV_REPLACE | RESV_IEKEY, data, 16);
	struct cmd clear = resv_cmd(v, nvme_cmd_resv_release, RESV_CLEAR, data, 8);
	struct cpl cpl;

	if (!c->enabled)
		return;
	le64_put(data, RESV_KEY0);
	le64_put(data + 8, RESV_KEY0);
	if (!ctrl_exec(c, q, &reg, &cpl) && cpl.status != SC_SUCCESS) {
		reg.sqe.cdw10 = le32_from(RESV_REGISTER); /* IEKEY as before 1.3 */
		ctrl_exec(c, q, &reg, &cpl);
	}
	ctrl_exec(c, q, &clear, &cpl);
}

void resv_nobody(struct resv *v)
{
	clear_all(v);
}

static void set_host_ids(struct resv *v)
{
	for (unsigned i = 0; i < 2; i++) {
		struct cmd c = cmd_set_features(NVME_FEAT_FID_HOST_ID, false, 0, v->extended);

		c.dir = CMD_OUT;
		c.data = v->id[i];
		c.data_len = v->extended ? 16 : 8;
		rig_admin_ok_on(v->r, v->d->c[i], c);
	}
}

void resv_again(struct resv *v)
{
	duo_again(v->d);
	set_host_ids(v);
}

static struct resv *make(struct rig *r, bool extended)
{
	struct resv *v = rig_mem(r, sizeof(*v));

	v->r = r;
	v->d = duo_new(r);
	v->nsid = v->d->ns->nsid;
	v->caps = v->d->ns->id.rescap;
	v->extended = extended;
	for (unsigned i = 0; i < 2; i++)
		memset(v->id[i], 0xa0 + (int)i, extended ? 16 : 8);
	if (!v->caps)
		rig_na(r, "RESCAP is 0: no reservations on the shared namespace");
	/* whatever Host Identifier there was, of whichever size, goes with a reset */
	rig_reset_on(r, v->d->c[0]);
	rig_reset_on(r, v->d->c[1]);
	resv_again(v);
	clear_all(v);
	rig_defer(r, clear_all, v);
	return v;
}

struct resv *resv_new(struct rig *r)
{
	return make(r, false);
}

struct resv *resv_new_extended(struct rig *r)
{
	if (!(le32_get(rig_facts(r)->id.ctratt) & NVME_CTRL_CTRATT_128_ID))
		rig_na(r, "CTRATT bit 0 is 0: no Host Identifier of 128 bits");
	return make(r, true);
}

static void ok(struct resv *v, struct cpl cpl, const char *what)
{
	char text[STATUS_TEXT];

	if (cpl.status != SC_SUCCESS)
		rig_broken(v->r, "set-up: %s ended with %s", what, status_text(cpl.status, text));
}

void resv_both_register(struct resv *v)
{
	ok(v, resv_register(v, 0, RESV_REGISTER, 0, RESV_KEY0), "registering");
	ok(v, resv_register(v, 1, RESV_REGISTER, 0, RESV_KEY1), "registering through the peer");
}

void resv_hold(struct resv *v, unsigned type)
{
	resv_need_type(v, type);
	ok(v, resv_acquire(v, 0, RESV_ACQUIRE, type, RESV_KEY0, 0), "acquiring");
}

void resv_need_type(struct resv *v, unsigned type)
{
	if (!(v->caps >> type & 1))
		rig_na(v->r, "RESCAP is %02Xh: no reservation of type %u", v->caps, type);
}

void resv_need_iekey(struct resv *v)
{
	if (!(v->caps & NVME_NS_RESCAP_IEK_13))
		rig_na(v->r, "RESCAP is %02Xh: Ignore Existing Key is that of before 1.3", v->caps);
}

void resv_need_ptpl(struct resv *v)
{
	if (!(v->caps & NVME_NS_RESCAP_PTPL))
		rig_na(v->r, "RESCAP is %02Xh: no Persist Through Power Loss", v->caps);
}

/* ---- for bodies ---- */

void resv_ask_row(struct rig *r)
{
	const struct resv_row *row = rig_row(r);

	row->ask(resv_new(r));
}

void resv_check_key(struct resv *v, unsigned who, uint64_t want)
{
	const struct resv_entry *e;
	struct resv_state s;

	resv_report(v, 0, &s);
	e = resv_find(v, &s, who);
	CHECK_TRUE(v->r, e != NULL, "the host of %s is a registrant",
		   rig_ctrl_name(v->r, v->d->c[who]));
	if (e)
		CHECK_EQ(v->r, "its key in the report", e->key, want);
}

void resv_check_held(struct resv *v, unsigned type)
{
	struct resv_state s;

	resv_report(v, 0, &s);
	CHECK_EQ(v->r, "the reservation type in the report (0: none)", s.type, type);
}

/* ---- notices ---- */

static void read_log(struct resv *v, unsigned by, struct nvme_resv_notification_log *ret)
{
	rig_admin_ok_on(v->r, v->d->c[by],
			cmd_get_log(NVME_LOG_LID_RESERVATION, NSID_ALL, 0, ret, sizeof(*ret)));
}

/* The oldest notice is this one, with so many behind it. */
void resv_check_notice(struct resv *v, unsigned by, unsigned what, unsigned more)
{
	struct nvme_resv_notification_log log;

	read_log(v, by, &log);
	CHECK_EQ(v->r, "the type of the notice (0: none)", log.rnlpt, what);
	CHECK_EQ(v->r, "notices behind it", log.nalp, more);
	if (what)
		CHECK_EQ(v->r, "its NSID", le32_get(log.nsid), v->nsid);
	else
		CHECK_EQ(v->r, "the Log Page Count of an empty page", le64_get(log.lpc), 0);
}

void resv_drain(struct resv *v)
{
	struct nvme_resv_notification_log log;
	unsigned n = 0;

	for (unsigned by = 0; by < 2; by++)
		do
			read_log(v, by, &log);
		while (log.rnlpt && n++ < DRAIN_MOST);
	CHECK_LE(v->r, "reads until the log is empty", n, DRAIN_MOST - 1);
}
