// SPDX-License-Identifier: GPL-2.0-or-later
/* The version text: two numbers, and JSON with its NUL. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "vfio_user/proto.h"

#define DEPTH_MAX 8

static void cleanup_json(struct json_object **o)
{
	json_object_put(*o);
}

#define _cleanup_json_ _cleanup_(cleanup_json)

/* A number that is there has to be one, and not negative. */
static int get_number(struct json_object *o, const char *key, uint64_t *ret)
{
	struct json_object *v;
	int64_t n;

	if (!json_object_object_get_ex(o, key, &v))
		return 0;
	if (!json_object_is_type(v, json_type_int))
		return -EINVAL;
	n = json_object_get_int64(v);
	if (n < 0)
		return -EINVAL;
	*ret = (uint64_t)n;
	return 0;
}

static int get_bool(struct json_object *o, const char *key, bool *ret)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		return 0;
	if (!json_object_is_type(v, json_type_boolean))
		return -EINVAL;
	*ret = json_object_get_boolean(v);
	return 0;
}

/* An object that is there has to be one; NULL when there is none. */
static int get_object(struct json_object *o, const char *key, struct json_object **ret)
{
	*ret = NULL;
	if (!json_object_object_get_ex(o, key, ret))
		return 0;
	return json_object_is_type(*ret, json_type_object) ? 0 : -EINVAL;
}

static int read_capabilities(struct json_object *caps, struct vu_version *v)
{
	struct json_object *twin, *ours;
	uint64_t fds = v->fds_max, index = UINT64_MAX;
	int err = get_number(caps, "max_msg_fds", &fds);

	err = err ? err : get_number(caps, "max_data_xfer_size", &v->data_max);
	err = err ? err : get_object(caps, "twin_socket", &twin);
	if (!err && twin)
		err = get_bool(twin, "supported", &v->twin);
	if (!err && twin)
		err = get_number(twin, "fd_index", &index);
	err = err ? err : get_object(caps, "nvrig", &ours);
	if (!err && ours)
		err = get_bool(ours, "step", &v->step);
	if (!err && ours)
		err = get_bool(ours, "power", &v->power);
	v->twin_fd = index < VU_FDS_MAX ? (int)index : -1;
	v->fds_max = fds < UINT32_MAX ? (uint32_t)fds : UINT32_MAX;
	return err;
}

/* len: of the text, its NUL not counted. */
static struct json_object *read_object(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *o = NULL;

	if (!tok)
		return NULL;
	if (len <= INT_MAX)
		o = json_tokener_parse_ex(tok, text, (int)len + 1);
	if (json_tokener_get_error(tok) != json_tokener_success ||
	    !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
	}
	for (size_t i = json_tokener_get_parse_end(tok); o && i < len; i++)
		if (!strchr(" \t\r\n", text[i])) {
			json_object_put(o);
			o = NULL;
		}
	json_tokener_free(tok);
	return o;
}

static int read_text(const char *text, size_t len, struct vu_version *v)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct json_object *caps;
	int err;

	if (text[len - 1] || strlen(text) != len - 1)
		return -EINVAL;
	o = read_object(text, len - 1);
	if (!o)
		return -EINVAL;
	err = get_object(o, "capabilities", &caps);
	return err || !caps ? err : read_capabilities(caps, v);
}

int vu_version_parse(const void *payload, size_t len, struct vu_version *ret)
{
	struct vu_version v = { .fds_max = 1, .data_max = VU_DATA_MAX, .twin_fd = -1 };
	const char *bytes = payload;
	int err = 0;

	if (len < 4 || len > 4 + VU_TEXT_MAX)
		return -EINVAL;
	memcpy(&v.major, bytes, sizeof(v.major));
	memcpy(&v.minor, bytes + 2, sizeof(v.minor));
	if (len > 4)
		err = read_text(bytes + 4, len - 4, &v);
	if (!err)
		*ret = v;
	return err;
}

static void twin_text(const struct vu_version *v, char *to, size_t len)
{
	char index[32] = "";

	if (!v->twin)
		return;
	if (v->twin_fd >= 0)
		snprintf(index, sizeof(index), ",\"fd_index\":%d", v->twin_fd);
	snprintf(to, len, ",\"twin_socket\":{\"supported\":true%s}", index);
}

size_t vu_version_format(const struct vu_version *v, void *to, size_t len)
{
	char *bytes = to, ours[64] = "", twin[96] = "";
	int n;

	if (len < 4)
		return 0;
	if (v->step || v->power)
		snprintf(ours, sizeof(ours), ",\"nvrig\":{\"step\":%s,\"power\":%s}",
			 v->step ? "true" : "false", v->power ? "true" : "false");
	twin_text(v, twin, sizeof(twin));
	memcpy(bytes, &v->major, sizeof(v->major));
	memcpy(bytes + 2, &v->minor, sizeof(v->minor));
	n = snprintf(bytes + 4, len - 4,
		     "{\"capabilities\":{\"max_msg_fds\":%u,\"max_data_xfer_size\":%llu%s%s}}",
		     v->fds_max, (unsigned long long)v->data_max, twin, ours);
	return n < 0 || (size_t)n >= len - 4 ? 0 : 4 + (size_t)n + 1;
}
