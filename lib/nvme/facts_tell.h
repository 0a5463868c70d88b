/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One fact in words to whoever asks for them all: the parts of facts_each(). */
#ifndef NVME_FACTS_TELL_H
#define NVME_FACTS_TELL_H

struct teller {
	void (*fn)(void *ctx, const char *name, const char *value, const char *note);
	void *ctx;
};

__attribute__((format(printf, 4, 5))) void facts_tell(const struct teller *t, const char *name,
						      const char *note, const char *fmt, ...);

#endif
