// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>

#include "kit/kit.h"

#define CAP_NSSS(c)  ((unsigned)((c) >> 58 & 1))
#define CAP_NSSES(c) ((unsigned)((c) >> 61 & 1))
#define CAP_CPS(c)   ((unsigned)((c) >> 46 & 3))
#define CSS_NVM	     0x01u
#define CSS_ALL	     0x40u
#define CSS_NONE     0x80u

#define NEWEST	     VS(2, 2, 0) /* the newest version whose text these tables know */

/* ---- cap-invariants ---- */

/* Bits of CAP that no version up to NEWEST defines, and those that one after 1.0 brought. */
#define CAP_NEVER_DEFINED ((3ull << 62) | (0x1full << 38) | (0x1full << 19))

static const struct {
	uint32_t since;
	uint64_t bits;
} cap_bits[] = {
	{ VS(1, 1, 0), 1ull << 36 },			       /* NSSRS */
	{ VS(1, 3, 0), 1ull << 45 },			       /* BPS */
	{ VS(1, 4, 0), 1ull << 57 | 1ull << 56 | 1ull << 44 }, /* CMBS, PMRS, CSS bit 7 */
	{ VS(2, 0, 0), 7ull << 58 | 3ull << 46 | 1ull << 43 }, /* CRMS, NSSS, CPS, CSS bit 6 */
	{ VS(2, 1, 0), 1ull << 61 },			       /* NSSES */
};

/* A bit that a later version defines may be a feature taken from there: told, not judged. */
static void check_reserved(struct rig *r, uint64_t cap, uint32_t vs)
{
	if (vs <= NEWEST)
		CHECK_EQ(r, "reserved bits of CAP", cap & CAP_NEVER_DEFINED, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cap_bits); i++)
		if (vs < cap_bits[i].since && (cap & cap_bits[i].bits))
			rig_note(r, "CAP has bits %016" PRIX64 "h, which came after version %u.%u",
				 cap & cap_bits[i].bits, vs >> 16, vs >> 8 & 0xff);
}

static void check_css(struct rig *r, unsigned css)
{
	CHECK_TRUE(r, css & (CSS_NVM | CSS_ALL | CSS_NONE),
		   "CAP.CSS %02Xh has one of bits 0, 6 and 7", css);
	if ((css & CSS_NONE) && (css & (CSS_NVM | CSS_ALL)))
		rig_note(r, "CAP.CSS %02Xh claims both no I/O command set and one", css);
}

/* NVM Subsystem Shutdown needs the reset that ends it, and a power scope to speak of. */
static void check_shutdown(struct rig *r, uint64_t cap)
{
	CHECK_TRUE(r, !CAP_NSSS(cap) || CAP_NSSRS(cap), "CAP.NSSS %u only with NSSRS %u",
		   CAP_NSSS(cap), CAP_NSSRS(cap));
	CHECK_TRUE(r, !CAP_NSSS(cap) || CAP_CPS(cap), "CAP.NSSS %u only with CPS %u not 0",
		   CAP_NSSS(cap), CAP_CPS(cap));
	CHECK_TRUE(r, !CAP_NSSES(cap) || (CAP_NSSS(cap) && CAP_NSSRS(cap)),
		   "CAP.NSSES %u only with NSSS %u and NSSRS %u", CAP_NSSES(cap), CAP_NSSS(cap),
		   CAP_NSSRS(cap));
}

static void cap_invariants(struct rig *r)
{
	uint64_t cap = rig_reg64(r, REG_CAP);

	CHECK_GE(r, "CAP.MQES (0's based)", CAP_MQES(cap), 1);
	CHECK_LE(r, "CAP.MPSMIN (want MPSMAX at most)", CAP_MPSMIN(cap), CAP_MPSMAX(cap));
	check_css(r, CAP_CSS(cap));
	check_shutdown(r, cap);
	check_reserved(r, cap, rig_reg32(r, REG_VS));
	if (!CAP_TO(cap))
		rig_note(r, "CAP.TO is 0: no time stated for enabling and disabling");
}

/* ---- vs-valid ---- */

static const uint32_t published[] = {
	VS(1, 0, 0), VS(1, 1, 0), VS(1, 2, 0), VS(1, 2, 1), VS(1, 3, 0),
	VS(1, 4, 0), VS(2, 0, 0), VS(2, 1, 0), VS(2, 2, 0), VS(2, 3, 0),
};

static bool is_published(uint32_t vs)
{
	for (size_t i = 0; i < ARRAY_SIZE(published); i++)
		if (published[i] == vs)
			return true;
	return false;
}

/* Past the newest known one there may be more by now: told, not judged. */
static void check_published(struct rig *r, uint32_t vs)
{
	uint32_t newest = published[ARRAY_SIZE(published) - 1];

	if (vs > newest && vs >> 24 == 0)
		ADVISE_TRUE(r, false, "VS %08Xh is a version known here (the newest is %08Xh)", vs,
			    newest);
	else
		CHECK_TRUE(r, is_published(vs), "VS %08Xh is a published version", vs);
}

static void vs_valid(struct rig *r)
{
	struct nvme_id_ctrl *id = rig_mem(r, sizeof(*id));
	uint32_t vs = rig_reg32(r, REG_VS), ver;

	check_published(r, vs);
	rig_id_ctrl(r, id);
	ver = le32_get(id->ver);
	if (vs < VS(1, 2, 0) && !ver)
		rig_note(r, "Identify Controller VER is 0, as it may be before 1.2");
	else
		CHECK_EQ(r, "Identify Controller VER (want VS)", ver, vs);
}

/* ---- cap-crms-crto ---- */

#define CRMS_CRWMS    1u
#define CRMS_BOTH     3u
#define TO_MOST	      0xffu
#define CRTO_CRWMT(v) ((v)&0xffffu)
#define CRTO_CRIMT(v) ((v) >> 16)

static const char *na_before_2_0(const struct facts *f)
{
	if (f->vs >= VS(2, 0, 0))
		return NULL;
	return rig_na_text("version %u.%u has no CAP.CRMS: it came with 2.0", f->vs >> 16,
			   f->vs >> 8 & 0xff);
}

/* TO also covers disabling, so that more than the time to get ready is legal, and less is not. */
static void check_timeout(struct rig *r, const char *mode, unsigned ready)
{
	uint64_t cap = rig_reg64(r, REG_CAP);
	unsigned least = ready < TO_MOST ? ready : TO_MOST;

	CHECK_TRUE(r, CAP_TO(cap) >= least, "CAP.TO %u is not below %s %u (at most FFh)",
		   CAP_TO(cap), mode, ready);
}

/* With CRIME set the controller is ready before its media are: TO may shrink, CRTO stays. */
static void check_without_media(struct rig *r, uint32_t crto)
{
	rig_set_reg32(r, REG_CC, CC_CRIME);
	REQUIRE_EQ(r, "CC.CRIME", !!(rig_reg32(r, REG_CC) & CC_CRIME), 1);
	check_timeout(r, "CRTO.CRIMT", CRTO_CRIMT(crto));
	CHECK_EQ(r, "CRTO with CC.CRIME = 1", rig_reg32(r, REG_CRTO), crto);
	rig_set_reg32(r, REG_CC, 0);
}

static void cap_crms_crto(struct rig *r)
{
	uint32_t crto;
	unsigned crms;

	rig_ctrl_off(r);
	rig_set_reg32(r, REG_CC, 0);
	crms = CAP_CRMS(rig_reg64(r, REG_CAP));
	crto = rig_reg32(r, REG_CRTO);
	CHECK_EQ(r, "CAP.CRMS.CRWMS", crms & CRMS_CRWMS, 1);
	CHECK_GE(r, "CRTO.CRWMT (want CRIMT at least)", CRTO_CRWMT(crto), CRTO_CRIMT(crto));
	if (crms != CRMS_BOTH)
		CHECK_EQ(r, "CRTO.CRIMT without CAP.CRMS.CRIMS", CRTO_CRIMT(crto), 0);
	check_timeout(r, "CRTO.CRWMT", CRTO_CRWMT(crto));
	if (crms == CRMS_BOTH)
		check_without_media(r, crto);
	rig_note(r, "CRTO: CRWMT %u, CRIMT %u (units of 500 ms)", CRTO_CRWMT(crto),
		 CRTO_CRIMT(crto));
}

static const struct rig_case cases[] = {
	{ .id = "cap-invariants",
	  .rule = "The fields of CAP hold legal values that agree with each other.",
	  .ref = "Base 2.2 Offset 0h: CAP - Controller Capabilities",
	  .needs = NEED_COMMAND | NEED_REGS,
	  .fault = "cap-mqes-zero cap-mps-inverted cap-css-none",
	  .run = cap_invariants },
	{ .id = "vs-valid",
	  .rule = "VS is a published version, and Identify Controller tells the same.",
	  .ref = "Base 2.2 Offset 8h: VS - Version; Base 2.1 Identify Controller data structure "
		 "(VER)",
	  .needs = NEED_COMMAND | NEED_REGS,
	  .fault = "vs-unpublished vs-differs",
	  .run = vs_valid },
	{ .id = "cap-crms-crto",
	  .rule = "The times to get ready in CRTO fit CAP.CRMS, and CAP.TO is not below them.",
	  .ref = "Base 2.2 Offset 0h: CAP (TO, CRMS); Base 2.2 Offset 68h: CRTO - Controller Ready "
		 "Timeouts; Base 2.2 Controller Ready Timeouts During Initialization",
	  .needs = NEED_QUEUES,
	  .na = na_before_2_0,
	  .fault = "cap-to-below-crto cap-crwms-clear crto-crimt-unclaimed",
	  .run = cap_crms_crto },
};

SUITE(reg_suite, CONFORMANCE, "reg", cases);
