// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

/* Files are little-endian, and so is every machine this is for (x86-64 guests). */

bool elf_is(const struct bytes *b)
{
	Elf64_Ehdr h;

	if (b->size < sizeof(h))
		return false;
	memcpy(&h, b->at, sizeof(h));
	return !memcmp(h.e_ident, ELFMAG, SELFMAG) && h.e_ident[EI_CLASS] == ELFCLASS64 &&
	       h.e_ident[EI_DATA] == ELFDATA2LSB && h.e_machine == EM_X86_64;
}

static bool fits(const struct bytes *b, uint64_t at, uint64_t size)
{
	return at <= b->size && size <= b->size - at;
}

/* The i-th entry of a table in the file, or false. */
static bool entry(const struct bytes *b, uint64_t table, uint64_t i, uint64_t each, void *ret,
		  size_t size)
{
	if (each < size || i > b->size / each || !fits(b, table, i * each + size))
		return false;
	memcpy(ret, b->at + table + i * each, size);
	return true;
}

static bool segment(const struct bytes *b, const Elf64_Ehdr *h, unsigned i, Elf64_Phdr *ret)
{
	return i < h->e_phnum && entry(b, h->e_phoff, i, h->e_phentsize, ret, sizeof(*ret));
}

static bool find_segment(const struct bytes *b, uint32_t type, Elf64_Phdr *ret)
{
	Elf64_Ehdr h;

	memcpy(&h, b->at, sizeof(h));
	for (unsigned i = 0; segment(b, &h, i, ret); i++)
		if (ret->p_type == type)
			return fits(b, ret->p_offset, ret->p_filesz);
	return false;
}

/* A string that ends within the file, or NULL. */
static const char *string(const struct bytes *b, uint64_t at)
{
	if (at >= b->size || !memchr(b->at + at, 0, b->size - at))
		return NULL;
	return (const char *)b->at + at;
}

const char *elf_interpreter(const struct bytes *b)
{
	Elf64_Phdr p;

	return elf_is(b) && find_segment(b, PT_INTERP, &p) ? string(b, p.p_offset) : NULL;
}

/* Where in the file what is loaded at that address stands. */
static bool locate(const struct bytes *b, uint64_t address, uint64_t *ret)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;

	memcpy(&h, b->at, sizeof(h));
	for (unsigned i = 0; segment(b, &h, i, &p); i++) {
		if (p.p_type != PT_LOAD || address < p.p_vaddr ||
		    address - p.p_vaddr >= p.p_filesz || !fits(b, p.p_offset, p.p_filesz))
			continue;
		*ret = p.p_offset + (address - p.p_vaddr);
		return true;
	}
	return false;
}

/* The value of the first entry with that tag. */
static bool dynamic(const struct bytes *b, const Elf64_Phdr *p, int64_t tag, uint64_t *ret)
{
	Elf64_Dyn d;

	for (uint64_t i = 0; (i + 1) * sizeof(d) <= p->p_filesz; i++) {
		memcpy(&d, b->at + p->p_offset + i * sizeof(d), sizeof(d));
		if (d.d_tag == DT_NULL)
			return false;
		if (d.d_tag == tag) {
			*ret = d.d_un.d_val;
			return true;
		}
	}
	return false;
}

int elf_needed(const struct bytes *b, int (*fn)(void *ctx, const char *name), void *ctx,
	       const char **ret_runpath)
{
	uint64_t strings, value;
	Elf64_Phdr p;
	Elf64_Dyn d;
	int err = 0;

	*ret_runpath = NULL;
	if (!elf_is(b) || !find_segment(b, PT_DYNAMIC, &p))
		return 0; /* static */
	if (!dynamic(b, &p, DT_STRTAB, &value) || !locate(b, value, &strings))
		return -EPROTO;
	if (dynamic(b, &p, DT_RUNPATH, &value) || dynamic(b, &p, DT_RPATH, &value))
		*ret_runpath = string(b, strings + value);
	for (uint64_t i = 0; !err && (i + 1) * sizeof(d) <= p.p_filesz; i++) {
		const char *name;

		memcpy(&d, b->at + p.p_offset + i * sizeof(d), sizeof(d));
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag != DT_NEEDED)
			continue;
		name = string(b, strings + d.d_un.d_val);
		err = name ? fn(ctx, name) : -EPROTO;
	}
	return err;
}

int elf_section(const struct bytes *b, const char *name, struct bytes *ret)
{
	Elf64_Shdr s, names;
	Elf64_Ehdr h;

	if (!elf_is(b))
		return -EPROTO;
	memcpy(&h, b->at, sizeof(h));
	if (!entry(b, h.e_shoff, h.e_shstrndx, h.e_shentsize, &names, sizeof(names)))
		return -EPROTO;
	for (unsigned i = 0; i < h.e_shnum; i++) {
		const char *text;

		if (!entry(b, h.e_shoff, i, h.e_shentsize, &s, sizeof(s)))
			return -EPROTO;
		text = string(b, names.sh_offset + s.sh_name);
		if (!text || strcmp(text, name))
			continue;
		if (s.sh_type == SHT_NOBITS || !fits(b, s.sh_offset, s.sh_size))
			return -EPROTO;
		*ret = (struct bytes){ b->at + s.sh_offset, s.sh_size };
		return 0;
	}
	return -ENOENT;
}

void elf_strip(struct bytes *b)
{
	uint64_t end = sizeof(Elf64_Ehdr), table;
	Elf64_Ehdr h;
	Elf64_Phdr p;

	if (!elf_is(b))
		return;
	memcpy(&h, b->at, sizeof(h));
	for (unsigned i = 0; segment(b, &h, i, &p); i++)
		if (fits(b, p.p_offset, p.p_filesz) && p.p_offset + p.p_filesz > end)
			end = p.p_offset + p.p_filesz;
	table = h.e_phoff + (uint64_t)h.e_phnum * h.e_phentsize;
	if (!h.e_phnum || !fits(b, h.e_phoff, table - h.e_phoff))
		return;
	b->size = end > table ? end : table;
	h.e_shoff = 0;
	h.e_shnum = h.e_shstrndx = 0;
	memcpy(b->at, &h, sizeof(h));
}
