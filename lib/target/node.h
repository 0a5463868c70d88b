/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Linux block node, or a regular file in its place, as system calls see it: for cases that ask
 * what the block layer promises. A target with NEED_NODE has one; lib/target has two kinds, the
 * real one (block:) and the model's.
 *
 * Offsets and lengths are bytes. Functions return 0, or what the system call returns, or -errno of
 * the system call: which it is, is what the cases ask. Sources: Linux Documentation/ABI/stable/
 * sysfs-block, open(2), pwritev2(2), fallocate(2), statx(2), Documentation/block/
 * writeback_cache_control.rst.
 */
#ifndef TARGET_NODE_H
#define TARGET_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct target;
struct node; /* one open file description */

/*
 * What the side below the node can be told to do, in words of target_ops.control:
 *	node cut                power is lost and comes back: of what was not made durable any part
 *	                        may be gone; the page cache is empty, and what was open is good yet
 *	node resize BYTES       the size is another one from now on
 *	node bad FROM BYTES     these cannot be read or written
 *	node mend               they can again
 *	node read-only on|off   writes are refused | taken again
 *	node room BYTES|all     the store behind has room for so many bytes more | for everything
 *	node hang | wake        the store answers nothing | answers what it was asked, and again
 *	node link off|on        the way to the store, where one leads to it, is cut | mended
 *	node plug out|in        the drive goes: what is under way has its end, and what is open fails
 *	                        for good | what the target has of it is closed, which every node that
 *	                        was opened must be by then, and it is there again, and opened
 */
enum node_can {
	NODE_CUT = 1u << 0,
	NODE_RESIZE = 1u << 1,
	NODE_BAD = 1u << 2,
	NODE_SET_READ_ONLY = 1u << 3,
	NODE_ROOM = 1u << 4,
	NODE_HANG = 1u << 5,
	NODE_LINK = 1u << 6,
	NODE_PLUG = 1u << 7,
};

/* As told now; 0 where it is not told. */
struct node_facts {
	bool is_block;	      /* false: a regular file, which has no queue and grows when written */
	bool read_only;	      /* BLKROGET */
	uint64_t bytes;	      /* BLKGETSIZE64, or the file's size */
	uint64_t sysfs_bytes; /* `size` of sysfs, which counts 512 bytes each */
	uint32_t logical, physical, io_min, io_opt; /* BLKSSZGET, BLKPBSZGET, BLKIOMIN, BLKIOOPT */
	uint32_t mem_align, offset_align;	    /* statx, for direct I/O */
	uint64_t max_hw_bytes, max_segment_bytes;   /* of one request */
	uint32_t max_segments;
	uint64_t discard_max, zeroes_max; /* discard_max_bytes, write_zeroes_max_bytes */
	uint32_t discard_granularity, discard_alignment;
	uint32_t atomic_min, atomic_max; /* atomic_write_unit_min_bytes, _max_bytes */
	uint64_t bad_at, bad_bytes;	 /* never read nor written, by the store; bytes 0: none known */
	bool zoned;			 /* `zoned` says "host-managed": written in order */
	bool write_back, fua;		 /* write_cache says "write back"; fua says 1 */
	unsigned can;			 /* enum node_can */
};

enum node_open { NODE_DIRECT = 1u << 0, NODE_READ_ONLY = 1u << 1 };

enum node_flag {
	NODE_WRITE = 1u << 0,
	NODE_DSYNC = 1u << 1,  /* RWF_DSYNC */
	NODE_ATOMIC = 1u << 2, /* RWF_ATOMIC */
	NODE_RING = 1u << 3,   /* by io_uring, not by preadv2() or pwritev2() */
};

enum node_range {
	NODE_DISCARD,	     /* BLKDISCARD; a file has none */
	NODE_SECURE_DISCARD, /* BLKSECDISCARD; likewise */
	NODE_ZEROOUT,	     /* BLKZEROOUT; likewise */
	NODE_ZERO_RANGE,     /* fallocate, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE */
	NODE_PUNCH,	     /* fallocate, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE */
};

struct node_ops {
	int (*facts)(struct target *t, struct node_facts *ret);
	/* flags: enum node_open. As often as wanted; each is closed before the target. */
	int (*open)(struct target *t, unsigned flags, struct node **ret);
	void (*close)(struct node *n);
	/*
	 * flags: enum node_flag. How many bytes, which may be fewer than asked, or -errno; -ECANCELED:
	 * the door did not let it (door.h), with words in the error of t. So do start and range.
	 */
	ssize_t (*io)(struct node *n, unsigned flags, const struct iovec *iov, int iovs,
		      uint64_t at);
	/*
	 * Begins such an I/O, one at a time; buf stays until finish says how it ended: -EAGAIN while
	 * it is under way, else as io.
	 */
	int (*start)(struct node *n, unsigned flags, void *buf, size_t len, uint64_t at);
	ssize_t (*finish)(struct node *n);
	int (*range)(struct node *n, enum node_range what, uint64_t at, uint64_t len);
	int (*sync)(struct node *n); /* fdatasync() */
	/* What the page cache holds of it is written and then forgotten. */
	int (*drop)(struct node *n);
	/* Who it is, in words that a restart does not change: "serial=A model=B ...". */
	int (*who)(struct target *t, char *ret, size_t size);
};

#endif
