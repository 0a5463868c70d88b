// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What no case may ask of a drive: the model's firmware that is good, committed and activated by
 * every way there is.
 */
#include <string.h>

#include "base/clock.h"
#include "model/firmware.h"
#include "nvme/ctrl.h"
#include "nvme/facts.h"
#include "unit.h"

#define IMAGE_LEN 8192u
#define PIECE	  4096u

struct bench {
	struct target *t;
	struct ctrl *c;
};

static struct bench bring_up(const char *address)
{
	struct bench b = { NULL, NULL };
	struct ctrl_config cfg;
	char error[256];

	CU_ASSERT_EQUAL_FATAL(target_open(address, &b.t, error), 0);
	CU_ASSERT_EQUAL_FATAL(ctrl_open(b.t, &b.c), 0);
	cfg = ctrl_defaults(b.c);
	CU_ASSERT_EQUAL_FATAL(ctrl_enable(b.c, &cfg, NULL), 0);
	return b;
}

static void take_down(struct bench *b)
{
	ctrl_close(b->c);
	target_close(b->t);
}

static struct cpl admin(struct bench *b, struct cmd c)
{
	struct cpl cpl = { .status = 0x7ff };

	CU_ASSERT_EQUAL(ctrl_admin(b->c, &c, &cpl), 0);
	return cpl;
}

/* A good image, out of order: the second piece first. */
static void download(struct bench *b, const char *revision)
{
	static _Alignas(8) uint8_t image[IMAGE_LEN];
	struct fw_image *head = (struct fw_image *)image;

	memset(image, 0x5a, sizeof(image));
	memcpy(head->magic, FW_MAGIC, sizeof(head->magic));
	memset(head->revision, ' ', sizeof(head->revision));
	memcpy(head->revision, revision, strlen(revision));
	head->bytes = le32_from(IMAGE_LEN);
	head->sum = le32_from(fw_sum(head + 1, IMAGE_LEN - sizeof(*head)));
	for (unsigned i = 2; i-- > 0;) {
		struct cmd c = cmd_raw(nvme_admin_fw_download, 0);

		c.sqe.cdw10 = le32_from(PIECE / 4 - 1);
		c.sqe.cdw11 = le32_from(i * PIECE / 4);
		c.dir = CMD_OUT;
		c.data = image + i * PIECE;
		c.data_len = PIECE;
		CU_ASSERT_EQUAL(admin(b, c).status, SC_SUCCESS);
	}
}

static uint16_t commit(struct bench *b, unsigned slot, unsigned action)
{
	struct cmd c = cmd_raw(nvme_admin_fw_commit, 0);

	c.sqe.cdw10 = le32_from(action << 3 | slot);
	return admin(b, c).status;
}

/* The revision that runs, the active slot and that of the next reset. */
static void expect(struct bench *b, const char *revision, unsigned active, unsigned next)
{
	struct nvme_firmware_slot log;
	struct nvme_id_ctrl id;

	admin(b, cmd_identify(0x01, 0, &id));
	admin(b, cmd_get_log(NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, &log, sizeof(log)));
	CU_ASSERT_EQUAL(memcmp(id.fr, revision, strlen(revision)), 0);
	CU_ASSERT_EQUAL(log.afi, active | next << 4);
	CU_ASSERT_EQUAL(memcmp(log.frs[active - 1], id.fr, sizeof(id.fr)), 0);
}

static void at_reset(void)
{
	struct bench b = bring_up("model:");

	download(&b, "2.0");
	CU_ASSERT_EQUAL(commit(&b, 2, 0), SC_SUCCESS);
	expect(&b, "1.0", 1, 0);
	CU_ASSERT_EQUAL(commit(&b, 2, 0), SC_FW_IMAGE_INVALID); /* it is spent */
	CU_ASSERT_EQUAL(commit(&b, 2, 2), SC_SUCCESS);
	expect(&b, "1.0", 1, 2);
	CU_ASSERT_EQUAL(ctrl_reset(b.c), 0);
	expect(&b, "2.0", 2, 0);

	download(&b, "3.0");
	CU_ASSERT_EQUAL(commit(&b, 2, 0), SC_SEQUENCE_ERROR); /* the active one, of two */
	download(&b, "3.0");
	CU_ASSERT_EQUAL(commit(&b, 0, 1), SC_SUCCESS); /* the controller takes the empty one */
	expect(&b, "2.0", 2, 3);
	CU_ASSERT_EQUAL(ctrl_reset(b.c), 0);
	expect(&b, "3.0", 3, 0);
	CU_ASSERT_EQUAL(commit(&b, 1, 2), SC_SUCCESS);
	CU_ASSERT_EQUAL(ctrl_reset(b.c), 0);
	expect(&b, "1.0", 1, 0);
	take_down(&b);
}

static void at_once(void)
{
	struct bench b = bring_up("model:");
	struct cpl event;

	CU_ASSERT_EQUAL(
		admin(&b, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, 1u << 9)).status,
		SC_SUCCESS);
	CU_ASSERT_EQUAL(ctrl_aer_post(b.c), 0);
	download(&b, "2.0");
	CU_ASSERT_EQUAL(commit(&b, 2, 3), SC_SUCCESS);
	expect(&b, "2.0", 2, 0);
	CU_ASSERT_EQUAL(ctrl_aer_take(b.c, &event, target_now(b.t) + NS_PER_S), 0);
	CU_ASSERT_EQUAL(event.dw0, 0x030102); /* notice, Firmware Activation Starting, page 03h */
	take_down(&b);

	b = bring_up("model:frmw=7"); /* not without a reset */
	download(&b, "2.0");
	CU_ASSERT_EQUAL(commit(&b, 2, 3), SC_FW_NEEDS_CONTROLLER_RESET);
	expect(&b, "1.0", 1, 2);
	CU_ASSERT_EQUAL(ctrl_reset(b.c), 0);
	expect(&b, "2.0", 2, 0);
	take_down(&b);
}

/* A reset throws away what was downloaded, and the subsystem's does not tell of itself. */
static void discarded(void)
{
	struct bench b = bring_up("model:");
	uint64_t csts = 0;
	struct cmd c = cmd_raw(nvme_admin_fw_commit, 0);

	download(&b, "2.0");
	CU_ASSERT_EQUAL(ctrl_reset(b.c), 0);
	CU_ASSERT_EQUAL(commit(&b, 2, 0), SC_FW_IMAGE_INVALID);
	download(&b, "2.0");
	c.sqe.cdw10 = le32_from(1u << 3 | 2);
	CU_ASSERT_EQUAL(admin(&b, c).status, SC_SUCCESS);
	b.t->ops->reg_write(b.t, REG_NSSR, 32, 0x4e564d65);
	b.t->ops->reset(b.t, RESET_FLR); /* gives the BAR back what went with the link */
	ctrl_forget(b.c);
	b.t->ops->reg_read(b.t, REG_CSTS, 32, &csts);
	CU_ASSERT_EQUAL(csts & CSTS_NSSRO, 0);
	take_down(&b);
}

static const struct unit units[] = {
	{ "good images, at the next reset", at_reset },
	{ "good images, at once", at_once },
	{ "images that a reset takes away", discarded },
};

UNIT_MAIN("firmware", units)
