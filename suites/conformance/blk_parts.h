/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the cases about Linux block nodes share: the verbs of target/node.h for case bodies. */
#ifndef CONFORMANCE_BLK_PARTS_H
#define CONFORMANCE_BLK_PARTS_H

#include <errno.h>
#include <sys/types.h>

#include "kit/kit.h"
#include "target/node.h"

#define BLK_SYSFS "Linux Documentation/ABI/stable/sysfs-block"

/* One open file description; closed by blk_close(), or when the case ends. */
struct blk {
	struct target *t;
	struct node *n;
	uint32_t logical;
};

/* Of the probe, and as they are now. */
const struct node_facts *blk_facts(struct rig *r);
struct node_facts blk_now(struct rig *r);

/* For `.na`: the sentence when blocks cannot be written wherever a case wants to. */
const char *blk_na_zoned(const struct facts *f);

/* These leave as SKIP: a regular file cannot be asked, the side below cannot be told. */
void blk_need_device(struct rig *r);
void blk_need(struct rig *r, enum node_can can);
/* Tells the side below, in the words of node.h; BROKEN when it does not do it. */
__attribute__((format(printf, 2, 3))) void blk_tell(struct rig *r, const char *fmt, ...);

/* The same of another target that has a node. */
struct node_facts blk_now_on(struct rig *r, struct target *t);
void blk_need_of(struct rig *r, const struct node_facts *f, enum node_can can);
__attribute__((format(printf, 3, 4))) void blk_tell_on(struct rig *r, struct target *t,
						       const char *fmt, ...);
struct blk *blk_open_on(struct rig *r, struct target *t, unsigned flags);

/* flags: enum node_open. Leaves as SKIP where some blocks always fail, which blk_open_on takes. */
struct blk *blk_open(struct rig *r, unsigned flags);
void blk_close(struct blk *b);

/* Zeroed, at a page; lives as long as the case. */
uint8_t *blk_mem(struct rig *r, size_t len);

/* flags: enum node_flag. As the system call has it: bytes, or -errno. */
ssize_t blk_write(struct blk *b, unsigned flags, uint64_t at, const void *data, size_t len);
ssize_t blk_read(struct blk *b, unsigned flags, uint64_t at, void *data, size_t len);
int blk_range(struct blk *b, enum node_range what, uint64_t at, uint64_t len);
int blk_sync(struct blk *b);

/*
 * Stamped blocks (rig_stamp) written in one call, which takes them all, or the case fails; and a
 * check that they are there. at and len: whole logical blocks.
 */
void blk_put(struct rig *r, struct blk *b, unsigned flags, uint64_t at, uint64_t len, uint64_t tag);
bool blk_holds(struct rig *r, const struct check_site *s, struct blk *b, uint64_t at, uint64_t len,
	       uint64_t tag);
#define CHECK_HOLDS(r, b, at, len, tag) blk_holds(r, CHECK_SITE(0, 0), b, at, len, tag)
/* Reads all of it, or the case fails. */
void blk_get(struct rig *r, struct blk *b, uint64_t at, void *data, uint64_t len);
/* fdatasync() that succeeds, or the case fails. */
void blk_sync_ok(struct rig *r, struct blk *b);

/* A call that must fail with one of these. */
bool blk_failed(struct rig *r, const struct check_site *s, const char *what, ssize_t got,
		const int *want, unsigned n);
#define ERRNOS(...) ((const int[]){ __VA_ARGS__ })
#define CHECK_ERRNO(r, what, got, ...)                                                             \
	blk_failed(r, CHECK_SITE(0, 0), what, got, ERRNOS(__VA_ARGS__),                            \
		   sizeof(ERRNOS(__VA_ARGS__)) / sizeof(int))
/* A call that must do so many bytes; 0 for those that count none. */
bool blk_done(struct rig *r, const struct check_site *s, const char *what, ssize_t got,
	      uint64_t want);
#define CHECK_BYTES(r, what, got, want) blk_done(r, CHECK_SITE(0, 0), what, got, want)

/* Rounded down to whole logical blocks; a random place for len bytes. */
uint64_t blk_floor(struct rig *r, uint64_t bytes);
uint64_t blk_random(struct rig *r, uint64_t len);

#endif
