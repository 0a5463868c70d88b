// SPDX-License-Identifier: GPL-2.0-or-later
/* How a drive was set and is: what differs, in words; kept in a file and read again. */
#include <string.h>

#include "rig/drive_layout.h"
#include "rig/drive_state.h"
#include "event/event.h"
#include "unit.h"

static struct drive_state sample(void)
{
	struct drive_state s = { .serial = "S1",
				 .model = "M",
				 .n_features = 2,
				 .n_ns = 2,
				 .n_disks = 1 };

	s.feature[0].fid = 0x06;
	s.feature[0].known = true;
	s.feature[0].value = 1;
	s.feature[1].fid = 0x10;
	s.ns[0].nsid = 1;
	s.ns[0].nsze = 4096;
	s.ns[0].ids[0] = 7;
	s.ns[1].nsid = 0xfffffffe;
	s.ns[1].format = 0x11;
	s.ns[1].nsze = UINT64_MAX;
	strcpy(s.disk[0].name, "nvme0n1");
	strcpy(s.disk[0].scheduler, "none");
	return s;
}

static void differs(const struct drive_state *is, const char *want)
{
	struct drive_state was = sample();
	char text[STATE_TEXT] = "";

	CU_ASSERT_EQUAL(state_differs(&was, is, 0, text), want != NULL);
	if (want)
		CU_ASSERT_STRING_EQUAL(text, want);
	CU_ASSERT_FALSE(state_differs(&was, is, want ? 1 : 0, text));
}

static void differences(void)
{
	struct drive_state s = sample();

	differs(&s, NULL);
	s.feature[0].value = 0;
	differs(&s, "feature 06h is 0h, and was 1h");
	s = sample();
	s.feature[1].known = true; /* what was not told at first says nothing */
	differs(&s, NULL);
	s = sample();
	s.ns[0].format = 1;
	differs(&s, "namespace 1h has format 1h and 4096 blocks, and had 0h and 4096");
	s = sample();
	s.ns[0].ids[23] = 1;
	differs(&s, "namespace 1h is another one than before");
	s = sample();
	s.n_ns = 1;
	differs(&s, "namespace FFFFFFFEh is gone");
	s = sample();
	s.n_ns = 3;
	s.ns[2].nsid = 7;
	differs(&s, "namespace 7h is new");
	s = sample();
	strcpy(s.disk[0].scheduler, "mq-deadline");
	differs(&s, "the scheduler of nvme0n1 is another than none");
	s.n_disks = 0; /* a disk that went is told as its namespace */
	differs(&s, NULL);
}

static void kept(void)
{
	struct drive_state s = sample(), read;
	struct json_object *o = state_save(&s), *other = event_new("note");

	CU_ASSERT_TRUE(state_load(o, &read));
	differs(&read, NULL);
	CU_ASSERT_TRUE(state_is_of(&s, &read));
	strcpy(read.serial, "S2");
	CU_ASSERT_FALSE(state_is_of(&s, &read));
	CU_ASSERT_EQUAL(read.ns[1].nsze, UINT64_MAX);
	CU_ASSERT_EQUAL(read.n_features, 2);
	CU_ASSERT_FALSE(read.feature[1].known);
	CU_ASSERT_FALSE(state_load(other, &read));
	CU_ASSERT_FALSE(state_load(NULL, &read));
	json_object_put(o);
	json_object_put(other);
}

/* A file that somebody wrote. */
static void hostile(void)
{
	static const char *const bad[] = {
		"{\"type\":\"drive_state\"}",
		"{\"type\":\"drive_state\",\"features\":7,\"namespaces\":{},\"disks\":\"x\"}",
		"{\"type\":\"drive_state\",\"features\":[1,null,{}],\"disks\":[{\"name\":7}]}",
	};
	struct drive_state s;
	char big[20000] = "{\"type\":\"drive_state\",\"disks\":[";
	struct json_object *o;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		o = event_decode(bad[i], strlen(bad[i]));
		CU_ASSERT_TRUE(state_load(o, &s));
		json_object_put(o);
	}
	for (unsigned i = 0; i < 500; i++)
		strcat(big, "{\"name\":\"a\"},");
	strcat(big, "{}]}");
	o = event_decode(big, strlen(big));
	CU_ASSERT_TRUE(state_load(o, &s));
	CU_ASSERT_EQUAL(s.n_disks, STATE_NS);
	json_object_put(o);
}

/* What would be sent for, and what not: a namespace that is new, or another one. */
static void layouts(void)
{
	struct drive_state was = sample(), is = sample();

	CU_ASSERT_FALSE(layout_differs(&was, &is));
	is.feature[0].value = 7;
	is.ns[0].nsze = 1;
	CU_ASSERT_FALSE(layout_differs(&was, &is));
	is.ns[0].format = 1;
	CU_ASSERT_TRUE(layout_differs(&was, &is));
	is.ns[0].ids[0] = 1;
	CU_ASSERT_FALSE(layout_differs(&was, &is));
	is = sample();
	is.ns[1].format = 1; /* it has no identifier: it may be another's */
	CU_ASSERT_FALSE(layout_differs(&was, &is));
	is = sample();
	is.n_ns = 1;
	CU_ASSERT_TRUE(layout_differs(&was, &is));
	CU_ASSERT_FALSE(layout_differs(&is, &was));
}

/* What an nvrig before formats were put back has kept says nothing of them. */
static void older(void)
{
	static const char text[] = "{\"type\":\"drive_state\",\"serial\":\"S1\",\"namespaces\":"
				   "[{\"nsid\":1,\"flbas\":0,\"nsze\":8}]}";
	struct json_object *o = event_decode(text, strlen(text));
	struct drive_state s;

	CU_ASSERT_FALSE(state_load(o, &s));
	json_object_put(o);
}

static const struct unit units[] = {
	{ "differences", differences },
	{ "layouts", layouts },
	{ "kept", kept },
	{ "hostile files", hostile },
	{ "kept by an older one", older },
};

UNIT_MAIN("how a drive is set", units)
