// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Claims: what goes with each of them, since when there is such a claim, and which of them cannot
 * stand beside one another. Sources: Base 2.0 Identify Controller data structure, Log Page Support
 * Requirements, Feature Support Requirements; Base 1.3 and 1.4 Identify Controller data structure.
 */
#include "model/claim.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "model/ana.h"
#include "model/fabrics.h"
#include "model/identify.h"
#include "model/log.h"
#include "model/option.h"
#include "model/sanitize.h"
#include "model/shape.h"
#include "model/zns.h"

#define OPT(name)   #name, offsetof(struct model_opt, name)
#define VWC_FLUSH   0x6u
#define SGLS_BYTES  0x1u
#define SGLS_DWORDS 0x2u
#define CTRATT_MEM  (1u << 16)

/* Every claim there is; a bit that is in no row is one the model cannot make. */
static const struct claim {
	const char *key;
	size_t offset;
	unsigned bits;
	uint32_t since; /* VS */
	const char *what;
} claims[] = {
	{ OPT(oacs), NVME_CTRL_OACS_SECURITY, VS(1, 0, 0), "Security Send and Receive" },
	{ OPT(oacs), NVME_CTRL_OACS_FW, VS(1, 0, 0), "Firmware Commit" },
	{ OPT(oacs), NVME_CTRL_OACS_SELF_TEST, VS(1, 3, 0), "Device Self-test" },
	{ OPT(oacs), NVME_CTRL_OACS_VIRT_MGMT, VS(1, 3, 0), "Virtualization Management" },
	{ OPT(oacs), NVME_CTRL_OACS_NS_MGMT, VS(1, 2, 0), "Namespace Management" },
	{ OPT(oacs), NVME_CTRL_OACS_FORMAT, VS(1, 0, 0), "Format NVM" },
	{ OPT(fna), 0x7, VS(1, 0, 0), "a scope of Format NVM" },
	{ OPT(fna), NVME_CTRL_FNA_NSID_FFFFFFFF, VS(1, 4, 0), "Format NVM by NSID alone" },
	{ OPT(oacs), NVME_CTRL_OACS_DBBUF_CFG, VS(1, 3, 0), "Doorbell Buffer Config" },
	{ OPT(oacs), NVME_CTRL_OACS_DIRECTIVES, VS(1, 3, 0), "Directives" },
	{ OPT(oacs), NVME_CTRL_OACS_LBA_STATUS, VS(1, 4, 0), "Get LBA Status" },
	{ OPT(oacs), NVME_CTRL_OACS_NVME_MI, VS(1, 3, 0), "NVMe-MI Send and Receive" },
	{ OPT(oncs), NVME_CTRL_ONCS_COMPARE, VS(1, 0, 0), "Compare" },
	{ OPT(oncs), NVME_CTRL_ONCS_WRITE_UNCORRECTABLE, VS(1, 0, 0), "Write Uncorrectable" },
	{ OPT(oncs), NVME_CTRL_ONCS_DSM, VS(1, 0, 0), "Dataset Management" },
	{ OPT(oncs), NVME_CTRL_ONCS_WRITE_ZEROES, VS(1, 1, 0), "Write Zeroes" },
	{ OPT(oncs), NVME_CTRL_ONCS_SAVE_FEATURES, VS(1, 1, 0), "Save and Select" },
	{ OPT(oncs), NVME_CTRL_ONCS_RESERVATIONS, VS(1, 1, 0), "Reservations" },
	{ OPT(oncs), NVME_CTRL_ONCS_TIMESTAMP, VS(1, 3, 0), "Timestamp" },
	{ OPT(oncs), NVME_CTRL_ONCS_VERIFY, VS(1, 4, 0), "Verify" },
	{ OPT(oncs), NVME_CTRL_ONCS_COPY, VS(2, 0, 0), "Copy" },
	{ OPT(oaes), NVME_CTRL_OAES_NA, VS(1, 2, 0), "Namespace Attribute Notices" },
	{ OPT(oaes), NVME_CTRL_OAES_LBAS, VS(1, 4, 0), "LBA Status Information Notices" },
	{ OPT(oaes), NVME_CTRL_OAES_FA, VS(1, 2, 0), "Firmware Activation Notices" },
	{ OPT(oaes), OAES_TELEMETRY, VS(1, 3, 0), "Telemetry Log Notices" },
	{ OPT(oaes), NVME_CTRL_OAES_ANA, VS(1, 4, 0), "ANA Change Notices" },
	{ OPT(ana), 1, VS(1, 4, 0), "Asymmetric Namespace Access Reporting" },
	{ OPT(bps), 1, VS(1, 3, 0), "Boot Partitions" },
	{ OPT(vwc), NVME_CTRL_VWC_PRESENT, VS(1, 0, 0), "a volatile write cache" },
	{ OPT(vwc), VWC_FLUSH, VS(1, 4, 0), "Flush of all namespaces" },
	{ OPT(lpa), NVME_CTRL_LPA_CMD_EFFECTS, VS(1, 2, 0), "Commands Supported and Effects" },
	{ OPT(lpa), NVME_CTRL_LPA_EXTENDED, VS(1, 2, 1), "Log Page Offset" },
	{ OPT(lpa), NVME_CTRL_LPA_TELEMETRY, VS(1, 3, 0), "Telemetry" },
	{ OPT(lpa), NVME_CTRL_LPA_PERSETENT_EVENT, VS(1, 4, 0), "Persistent Event" },
	{ OPT(lpa), NVME_CTRL_LPA_LI0_LI5_LI12_LI13, VS(2, 0, 0), "Supported Log Pages" },
	{ OPT(ctratt), NVME_CTRL_CTRATT_128_ID, VS(1, 3, 0), "a Host Identifier of 128 bits" },
	{ OPT(ctratt), NVME_CTRL_CTRATT_ENDURANCE_GROUPS, VS(1, 4, 0), "Endurance Groups" },
	{ OPT(ctratt), NVME_CTRL_CTRATT_NAMESPACE_GRANULARITY, VS(1, 4, 0),
	  "Namespace Granularity" },
	{ OPT(ctratt), NVME_CTRL_CTRATT_UUID_LIST, VS(1, 4, 0), "the UUID List" },
	{ OPT(ctratt), NVME_CTRL_CTRATT_ELBAS, VS(2, 0, 0), "extended LBA formats" },
	/* of 2.1, and a bit of its own that 2.0 reserves */
	{ OPT(ctratt), CTRATT_MEM, VS(2, 0, 0), "an MDTS without metadata" },
	{ OPT(apsta), 1, VS(1, 1, 0), "Autonomous Power State Transition" },
	{ OPT(hmb), 1, VS(1, 2, 0), "Host Memory Buffer" },
	{ OPT(kas), 0xffff, VS(1, 2, 1), "Keep Alive" },
	{ OPT(hostid), 1, VS(1, 2, 1), "Host Identifier" },
	{ OPT(hctma), 1, VS(1, 3, 0), "Host Controlled Thermal Management" },
	{ OPT(hbs), 1, VS(1, 4, 0), "Host Behavior Support" },
	{ OPT(iocss), 1, VS(2, 0, 0), "I/O command sets by profile" },
	{ OPT(sgls), SGLS_BYTES, VS(1, 1, 0), "SGLs" },
	{ OPT(sgls), NVME_CTRL_SGLS_BIT_BUCKET, VS(1, 1, 0), "SGL Bit Buckets" },
	{ OPT(sgls), NVME_CTRL_SGLS_OVERSIZE, VS(1, 2, 0), "SGLs longer than the transfer" },
	{ OPT(sgls), SGLS_DWORDS, VS(1, 3, 0), "SGLs in dwords" },
	{ OPT(wzsl), 0xf, VS(2, 0, 0), "a limit of Write Zeroes" },
	{ OPT(wusl), 0xf, VS(2, 0, 0), "a limit of Write Uncorrectable" },
	{ OPT(nwpc), 1, VS(1, 4, 0), "Namespace Write Protection" },
	{ OPT(meta), 1, VS(1, 0, 0), "metadata" },
	{ OPT(dlguard), 1, VS(1, 3, 0), "a guard of deallocated blocks" },
	{ OPT(nabsn), 0xffff, VS(1, 2, 0), "atomic boundaries" },
	{ OPT(nabo), 0xffff, VS(1, 2, 0), "atomic boundaries" },
	{ OPT(dae), 1, VS(1, 1, 0), "an error of blocks that hold nothing" },
	{ OPT(sanicap), SANICAP_ANY | SANICAP_NDI, VS(1, 3, 0), "Sanitize" },
	{ OPT(sanicap), SANICAP_NODMM, VS(1, 4, 0), "what NDAS does to the media" },
	{ OPT(sanfail), 0x1c, VS(1, 3, 0), "sanitize operations that fail" },
	{ OPT(mnan), 0xffff, VS(1, 4, 0), "a number of namespaces that may be" },
	{ OPT(maxdna), 0xffff, VS(2, 0, 0), "a number of attachments in the domain" },
	{ OPT(maxcna), 0xffff, VS(2, 0, 0), "a number of attachments of a controller" },
	{ OPT(cmb), ~0u, VS(1, 4, 0), "a Controller Memory Buffer enabled by CMBMSC" },
	{ OPT(pmr), ~0u, VS(1, 4, 0), "a Persistent Memory Region" },
	{ OPT(zns), 0x3, VS(2, 0, 0), "zoned namespaces" },
};

static unsigned *value_of(struct model_opt *opt, const struct claim *c)
{
	return (unsigned *)((char *)opt + c->offset);
}

static unsigned known_bits(const struct claim *of)
{
	unsigned known = 0;

	for (size_t i = 0; i < ARRAY_SIZE(claims); i++)
		if (claims[i].offset == of->offset)
			known |= claims[i].bits;
	return known;
}

/* Drops what the version does not know, unless it was asked for. */
static int settle_one(struct model *m, const struct claim *c, char *why, size_t len)
{
	unsigned *v = value_of(&m->opt, c);
	unsigned unknown = *v & ~known_bits(c);

	if (unknown) {
		snprintf(why, len, "%s=%#x: the model has nothing for the bits %#x", c->key, *v,
			 unknown);
		return -EINVAL;
	}
	if (m->opt.vs >= c->since || !(*v & c->bits))
		return 0;
	if (option_given(m, c->key)) {
		snprintf(why, len, "%s=%#x claims %s, which came with %u.%u, and vs is %u.%u",
			 c->key, *v, c->what, c->since >> 16, c->since >> 8 & 0xff, m->opt.vs >> 16,
			 m->opt.vs >> 8 & 0xff);
		return -EINVAL;
	}
	*v &= ~c->bits;
	return 0;
}

static const char *ana_contradiction(const struct model_opt *o)
{
	if (o->ana && !(o->oaes & NVME_CTRL_OAES_ANA))
		return "ana is 1, which is told of, and oaes bit 11 is 0";
	if (!o->ana && o->oaes & NVME_CTRL_OAES_ANA)
		return "oaes claims ANA Change Notices, and ana is 0";
	if (o->ana && (!o->mnan || o->nn > ANA_NSID_MAX))
		return "ana is 1, which takes a number of namespaces that may be: mnan, and an nn "
		       "that the log has room for";
	if (o->oaes & OAES_TELEMETRY && !(o->lpa & NVME_CTRL_LPA_TELEMETRY))
		return "oaes claims Telemetry Log Notices, and lpa bit 3 is 0";
	return NULL;
}

static const char *memory_contradiction(const struct model_opt *o)
{
	if (o->cmb && (o->cmb % 4096 || o->cmb < CMB_BYTES_MIN))
		return "cmb counts whole pages of 4 KiB, four of them or more";
	if (o->pmr && (o->pmr & (o->pmr - 1) || o->pmr < 4096))
		return "pmr is a whole BAR: a power of two, 4 KiB or more";
	if (o->cmbloc & 7)
		return "cmbloc is of bits 8:3 of CMBLOC, and bits 2:0 are the BAR";
	if (o->cmbuse & CMBSZ_LISTS && !(o->cmbuse & CMBSZ_SQS))
		return "cmbuse claims lists in the Controller Memory Buffer, and no submission "
		       "queues there";
	return NULL;
}

/* Two claims that do not go together; NULL: all do. */
static const char *contradiction(const struct model_opt *o)
{
	unsigned flush = o->vwc & VWC_FLUSH;

	if (o->nn && o->nn < o->ns + o->zns)
		return "nn is less than ns: NN counts every namespace there is";
	if (o->private_ns > o->ns || (o->private_ns && o->controllers < 2))
		return "private_ns is more than ns, or there is one controller: private to whom";
	if (o->mnan && (o->mnan < o->ns || (o->nn && o->mnan > o->nn)))
		return "mnan is less than ns, or more than nn";
	if ((o->maxcna && o->maxcna < o->ns) || (o->maxdna && o->maxdna < o->ns))
		return "maxcna or maxdna is less than ns, and every namespace is attached";
	if ((o->nabsn && o->nabsn < IDENTIFY_ATOMIC_Z) || o->nabo > o->nabsn)
		return "nabsn is less than the 7 of NAWUN, or nabo more than nabsn";
	if (o->sanicap && !(o->sanicap & SANICAP_ANY))
		return "sanicap tells of Sanitize, and bits 2:0 offer no operation";
	if (o->sanicap >> 30 == 3 || (o->sanicap && !(o->sanicap >> 30) && o->vs >= VS(1, 4, 0)))
		return "sanicap bits 31:30 are 11b, which is reserved, or 00b, which is of before "
		       "1.4";
	if (o->capacity && o->capacity < o->ns * o->ns_bytes)
		return "capacity is less than what the namespaces have: ns times size";
	if (flush == 2)
		return "vwc bits 2:1 are 01b, which is reserved";
	if (!flush && o->vs >= VS(1, 4, 0))
		return "vwc bits 2:1 are 00b, which from 1.4 on no controller says; add 4 or 6";
	if (o->fuses && !(o->oncs & NVME_CTRL_ONCS_COMPARE))
		return "fuses is 1, and oncs bit 0 is 0: no Compare to go with the Write";
	if (o->fuses && o->mqes < 2)
		return "fuses is 1, and mqes leaves no room for two commands in a queue";
	if (!(o->lpa & NVME_CTRL_LPA_CMD_EFFECTS) && o->vs >= VS(2, 0, 0))
		return "lpa bit 1 is 0, and from 2.0 on every controller has Commands Supported "
		       "and Effects";
	if (!(o->lpa & NVME_CTRL_LPA_EXTENDED) &&
	    o->lpa & (NVME_CTRL_LPA_TELEMETRY | NVME_CTRL_LPA_PERSETENT_EVENT))
		return "lpa claims Telemetry or Persistent Event, which are read by offset, and "
		       "bit 2 is 0";
	if ((o->sgls & NVME_CTRL_SGLS_SUPPORTED) == NVME_CTRL_SGLS_SUPPORTED)
		return "sgls bits 1:0 are 11b, which is reserved";
	if (o->sgls && !(o->sgls & NVME_CTRL_SGLS_SUPPORTED))
		return "sgls bits 1:0 are 00b, no SGLs, and others tell of them";
	if (o->msl && o->controllers > 1)
		return "msl: streams of a subsystem with several controllers are not modelled";
	if (!o->hostid && o->ctratt & NVME_CTRL_CTRATT_128_ID)
		return "ctratt bit 0 is of the Host Identifier, and hostid is 0";
	if (o->oacs & NVME_CTRL_OACS_NS_MGMT && !(o->oaes & NVME_CTRL_OAES_NA))
		return "oacs claims Namespace Management, which is told of, and oaes bit 8 is 0";
	if (o->secondary && (o->controllers < 2 || !(o->oacs & NVME_CTRL_OACS_VIRT_MGMT)))
		return "secondary is 1, which needs controllers=2 and oacs bit 7";
	if (o->oacs & NVME_CTRL_OACS_LBA_STATUS &&
	    !(o->oaes & NVME_CTRL_OAES_LBAS && o->lpa & NVME_CTRL_LPA_EXTENDED))
		return "oacs claims Get LBA Status, which asks for oaes bit 13 and lpa bit 2";
	if (o->oaes & NVME_CTRL_OAES_FA && !(o->oacs & NVME_CTRL_OACS_FW))
		return "oaes claims Firmware Activation Notices, and oacs bit 2 is 0: no firmware "
		       "is ever activated";
	if (o->ctratt & NVME_CTRL_CTRATT_ELBAS && (!o->meta || !o->hbs))
		return "ctratt bit 15 is of formats with metadata that Host Behavior Support "
		       "enables, and meta or hbs is 0";
	if (o->fna & NVME_CTRL_FNA_NSID_FFFFFFFF && o->fna & 3)
		return "fna bit 3 is 1: a format of one namespace, and bits 1:0 say of all";
	if (o->fna && !(o->oacs & NVME_CTRL_OACS_FORMAT))
		return "fna tells of Format NVM, and oacs bit 1 is 0";
	if (o->oncs & NVME_CTRL_ONCS_RESERVATIONS && (!o->hostid || !(o->rescap & 0x7e)))
		return "oncs claims reservations, which take a Host Identifier (hostid) and types "
		       "(rescap)";
	if (o->apsta && o->npss < POWER_IDLE)
		return "apsta is 1, and npss leaves no state to go to";
	if (ana_contradiction(o))
		return ana_contradiction(o);
	return zns_contradiction(o) ? zns_contradiction(o) : memory_contradiction(o);
}

/* A claim that leans on another goes with it, unless it was given. */
static void drop_dependent(struct model *m)
{
	struct model_opt *o = &m->opt;

	if (!(o->lpa & NVME_CTRL_LPA_EXTENDED) && !option_given(m, "lpa"))
		o->lpa &= ~(unsigned)(NVME_CTRL_LPA_TELEMETRY | NVME_CTRL_LPA_PERSETENT_EVENT);
	if (!(o->oacs & NVME_CTRL_OACS_FORMAT) && !option_given(m, "fna"))
		o->fna = 0;
	if (o->controllers > 1 && !option_given(m, "msl"))
		o->msl = 0;
	if (!o->hostid && !option_given(m, "ctratt"))
		o->ctratt &= ~(unsigned)NVME_CTRL_CTRATT_128_ID;
	if ((!o->meta || !o->hbs) && !option_given(m, "ctratt"))
		o->ctratt &= ~(unsigned)NVME_CTRL_CTRATT_ELBAS;
	if ((o->mqes < 2 || !(o->oncs & NVME_CTRL_ONCS_COMPARE)) && !option_given(m, "fuses"))
		o->fuses = 0;
	if (!(o->oacs & NVME_CTRL_OACS_NS_MGMT) && !option_given(m, "oaes"))
		o->oaes &= ~(unsigned)NVME_CTRL_OAES_NA;
	if (!(o->oacs & NVME_CTRL_OACS_LBA_STATUS) && !option_given(m, "oaes"))
		o->oaes &= ~(unsigned)NVME_CTRL_OAES_LBAS;
	if (!(o->oacs & NVME_CTRL_OACS_FW) && !option_given(m, "oaes"))
		o->oaes &= ~(unsigned)NVME_CTRL_OAES_FA;
	if (!o->ana && !option_given(m, "oaes"))
		o->oaes &= ~(unsigned)NVME_CTRL_OAES_ANA;
	if (!(o->lpa & NVME_CTRL_LPA_TELEMETRY) && !option_given(m, "oaes"))
		o->oaes &= ~OAES_TELEMETRY;
	if (o->npss < POWER_IDLE && !option_given(m, "apsta"))
		o->apsta = 0;
}

/* Every namespace of `shapes` is one of those there are, and has a format of those there are. */
static bool shapes_are_wrong(const struct model *m, char *why, size_t len)
{
	struct media_shape shape;
	unsigned i = 0;
	int err;

	while (!(err = shape_of(m, i, &shape)))
		i++;
	if (err != -ENOENT)
		snprintf(why, len, "shapes: entry %u is no format that there is", i + 1);
	else if (i > m->opt.ns)
		snprintf(why, len, "shapes has %u entries, and ns is %u", i, m->opt.ns);
	return err != -ENOENT || i > m->opt.ns;
}

int claim_settle(struct model *m, char *why, size_t len)
{
	const char *no;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(claims) && !err; i++)
		err = settle_one(m, &claims[i], why, len);
	if (err)
		return err;
	drop_dependent(m);
	no = contradiction(&m->opt);
	if (no)
		snprintf(why, len, "%s", no);
	return no || shapes_are_wrong(m, why, len) ? -EINVAL : 0;
}

/* ---- what is offered ---- */

/* One thing that stands and falls with bits of a claim; one of its rows will do. */
struct offer {
	uint8_t id;
	size_t offset;
	unsigned bits;
};

#define WITH(name, bits) offsetof(struct model_opt, name), bits

static const struct offer admin_offers[] = {
	{ nvme_admin_fw_commit, WITH(oacs, NVME_CTRL_OACS_FW) },
	{ nvme_admin_fw_download, WITH(oacs, NVME_CTRL_OACS_FW) },
	{ nvme_admin_dev_self_test, WITH(oacs, NVME_CTRL_OACS_SELF_TEST) },
	{ nvme_admin_virtual_mgmt, WITH(oacs, NVME_CTRL_OACS_VIRT_MGMT) },
	{ nvme_admin_sanitize_nvm, WITH(sanicap, SANICAP_ANY) },
	{ nvme_admin_ns_mgmt, WITH(oacs, NVME_CTRL_OACS_NS_MGMT) },
	{ nvme_admin_ns_attach, WITH(oacs, NVME_CTRL_OACS_NS_MGMT) },
	{ nvme_admin_format_nvm, WITH(oacs, NVME_CTRL_OACS_FORMAT) },
	{ nvme_admin_dbbuf, WITH(oacs, NVME_CTRL_OACS_DBBUF_CFG) },
	{ nvme_admin_directive_send, WITH(oacs, NVME_CTRL_OACS_DIRECTIVES) },
	{ nvme_admin_directive_recv, WITH(oacs, NVME_CTRL_OACS_DIRECTIVES) },
	{ nvme_admin_security_send, WITH(oacs, NVME_CTRL_OACS_SECURITY) },
	{ nvme_admin_security_recv, WITH(oacs, NVME_CTRL_OACS_SECURITY) },
	{ nvme_admin_get_lba_status, WITH(oacs, NVME_CTRL_OACS_LBA_STATUS) },
	{ nvme_admin_nvme_mi_send, WITH(oacs, NVME_CTRL_OACS_NVME_MI) },
	{ nvme_admin_nvme_mi_recv, WITH(oacs, NVME_CTRL_OACS_NVME_MI) },
	{ nvme_admin_keep_alive, WITH(kas, 0xffff) },
};

static const struct offer io_offers[] = {
	{ nvme_cmd_compare, WITH(oncs, NVME_CTRL_ONCS_COMPARE) },
	{ nvme_cmd_write_uncor, WITH(oncs, NVME_CTRL_ONCS_WRITE_UNCORRECTABLE) },
	{ nvme_cmd_write_uncor, WITH(wusl, 0xf) },
	{ nvme_cmd_dsm, WITH(oncs, NVME_CTRL_ONCS_DSM) },
	{ nvme_cmd_write_zeroes, WITH(oncs, NVME_CTRL_ONCS_WRITE_ZEROES) },
	{ nvme_cmd_write_zeroes, WITH(wzsl, 0xf) },
	{ nvme_cmd_copy, WITH(oncs, NVME_CTRL_ONCS_COPY) },
	{ nvme_cmd_resv_register, WITH(oncs, NVME_CTRL_ONCS_RESERVATIONS) },
	{ nvme_cmd_resv_report, WITH(oncs, NVME_CTRL_ONCS_RESERVATIONS) },
	{ nvme_cmd_resv_acquire, WITH(oncs, NVME_CTRL_ONCS_RESERVATIONS) },
	{ nvme_cmd_resv_release, WITH(oncs, NVME_CTRL_ONCS_RESERVATIONS) },
	{ nvme_cmd_verify, WITH(oncs, NVME_CTRL_ONCS_VERIFY) },
	{ nvme_zns_cmd_mgmt_send, WITH(zns, 0x3) },
	{ nvme_zns_cmd_mgmt_recv, WITH(zns, 0x3) },
	{ nvme_zns_cmd_append, WITH(append, 1) },
};

static const struct offer feature_offers[] = {
	{ NVME_FEAT_FID_VOLATILE_WC, WITH(vwc, NVME_CTRL_VWC_PRESENT) },
	{ NVME_FEAT_FID_AUTO_PST, WITH(apsta, 1) },
	{ NVME_FEAT_FID_HOST_MEM_BUF, WITH(hmb, 1) },
	{ 0x15, WITH(oacs, NVME_CTRL_OACS_LBA_STATUS) },
	{ NVME_FEAT_FID_TIMESTAMP, WITH(oncs, NVME_CTRL_ONCS_TIMESTAMP) },
	{ NVME_FEAT_FID_KATO, WITH(kas, 0xffff) },
	{ NVME_FEAT_FID_HCTM, WITH(hctma, 1) },
	{ NVME_FEAT_FID_SANITIZE, WITH(sanicap, SANICAP_ANY) },
	{ NVME_FEAT_FID_HOST_BEHAVIOR, WITH(hbs, 1) },
	{ NVME_FEAT_FID_IOCS_PROFILE, WITH(iocss, 1) },
	{ NVME_FEAT_FID_HOST_ID, WITH(hostid, 1) },
	{ NVME_FEAT_FID_RESV_MASK, WITH(oncs, NVME_CTRL_ONCS_RESERVATIONS) },
	{ NVME_FEAT_FID_RESV_PERSIST, WITH(oncs, NVME_CTRL_ONCS_RESERVATIONS) },
	{ NVME_FEAT_FID_WRITE_PROTECT, WITH(nwpc, 1) },
	{ 0xc0, WITH(vendor, 1) },
};

static const struct offer log_offers[] = {
	{ NVME_LOG_LID_LBA_STATUS, WITH(oacs, NVME_CTRL_OACS_LBA_STATUS) },
	{ NVME_LOG_LID_CHANGED_NS, WITH(oaes, NVME_CTRL_OAES_NA) },
	{ NVME_LOG_LID_SANITIZE, WITH(sanicap, SANICAP_ANY) },
	{ NVME_LOG_LID_CMD_EFFECTS, WITH(lpa, NVME_CTRL_LPA_CMD_EFFECTS) },
	{ NVME_LOG_LID_DEVICE_SELF_TEST, WITH(oacs, NVME_CTRL_OACS_SELF_TEST) },
	{ NVME_LOG_LID_TELEMETRY_HOST, WITH(lpa, NVME_CTRL_LPA_TELEMETRY) },
	{ NVME_LOG_LID_TELEMETRY_CTRL, WITH(lpa, NVME_CTRL_LPA_TELEMETRY) },
	{ NVME_LOG_LID_PERSISTENT_EVENT, WITH(lpa, NVME_CTRL_LPA_PERSETENT_EVENT) },
	{ NVME_LOG_LID_RESERVATION, WITH(oncs, NVME_CTRL_ONCS_RESERVATIONS) },
	{ NVME_LOG_LID_ANA, WITH(ana, 1) },
	{ NVME_LOG_LID_ENDURANCE_GROUP, WITH(ctratt, NVME_CTRL_CTRATT_ENDURANCE_GROUPS) },
};

static const struct offer cns_offers[] = {
	{ NVME_IDENTIFY_CNS_PRIMARY_CTRL_CAP, WITH(oacs, NVME_CTRL_OACS_VIRT_MGMT) },
	{ NVME_IDENTIFY_CNS_SECONDARY_CTRL_LIST, WITH(oacs, NVME_CTRL_OACS_VIRT_MGMT) },
	{ NVME_IDENTIFY_CNS_ENDURANCE_GROUP_ID, WITH(ctratt, NVME_CTRL_CTRATT_ENDURANCE_GROUPS) },
	{ NVME_IDENTIFY_CNS_NS_GRANULARITY, WITH(ctratt, NVME_CTRL_CTRATT_NAMESPACE_GRANULARITY) },
	{ NVME_IDENTIFY_CNS_UUID_LIST, WITH(ctratt, NVME_CTRL_CTRATT_UUID_LIST) },
};

static bool is_offered(const struct model *m, const struct offer *all, size_t n, uint8_t id)
{
	bool optional = false;

	for (size_t i = 0; i < n; i++) {
		if (all[i].id != id)
			continue;
		if (*(const unsigned *)((const char *)&m->opt + all[i].offset) & all[i].bits)
			return true;
		optional = true;
	}
	return !optional;
}

bool claim_admin(const struct model *m, uint8_t opcode)
{
	if (fabrics_lacks_admin(m, opcode))
		return false;
	return is_offered(m, admin_offers, ARRAY_SIZE(admin_offers), opcode);
}

bool claim_io(const struct model *m, uint8_t opcode)
{
	return is_offered(m, io_offers, ARRAY_SIZE(io_offers), opcode);
}

bool claim_feature(const struct model *m, uint8_t fid)
{
	if (fabrics_lacks_feature(m, fid))
		return false;
	return is_offered(m, feature_offers, ARRAY_SIZE(feature_offers), fid);
}

bool claim_log(const struct model *m, uint8_t lid)
{
	return is_offered(m, log_offers, ARRAY_SIZE(log_offers), lid);
}

bool claim_cns(const struct model *m, uint8_t cns)
{
	return is_offered(m, cns_offers, ARRAY_SIZE(cns_offers), cns);
}
