// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest boots from: archives, libraries, modules and kernels, and files that lie. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/capture.h"
#include "base/endian.h"
#include "base/hex.h"
#include "image/cpio.h"
#include "image/elf.h"
#include "image/image.h"
#include "image/kernel.h"
#include "image/libs.h"
#include "image/modules.h"
#include "tests/unit.h"

static char top[] = "/tmp/rig-test-image-XXXXXX";

static void make_dirs(const char *path)
{
	char part[512];

	snprintf(part, sizeof(part), "%s/%s", top, path);
	for (char *slash = strchr(part + strlen(top) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(part, 0700);
		*slash = '/';
	}
}

static void put(const char *path, const void *data, size_t size, unsigned mode)
{
	char full[512];
	FILE *f;

	make_dirs(path);
	snprintf(full, sizeof(full), "%s/%s", top, path);
	f = fopen(full, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(data, 1, size, f), size);
	fclose(f);
	chmod(full, mode);
}

/* ---- the archive ---- */

static uint32_t field(const uint8_t *header, unsigned i)
{
	char text[9] = "";

	memcpy(text, header + 6 + 8 * i, 8);
	return (uint32_t)strtoul(text, NULL, 16);
}

static void archive(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct bytes b;
	const uint8_t *h;
	struct cpio c;

	cpio_begin(&c, fd);
	cpio_dir(&c, "dev", 0755);
	cpio_file(&c, "dev/abc", 0644, "hello", 5);
	cpio_link(&c, "l", "dev/abc");
	cpio_device(&c, "dev/console", 0600, 5, 1);
	CU_ASSERT_EQUAL(cpio_end(&c), 0);
	CU_ASSERT_EQUAL_FATAL(bytes_load_fd(fd, 1 << 20, &b), 0);
	CU_ASSERT_EQUAL(b.size % 512, 0);
	h = b.at;
	CU_ASSERT_EQUAL(memcmp(h, "070701", 6), 0);
	CU_ASSERT_EQUAL(field(h, 1), S_IFDIR | 0755);
	CU_ASSERT_STRING_EQUAL((const char *)h + 110, "dev");
	h += 116; /* header and "dev", padded to 4 */
	CU_ASSERT_EQUAL(field(h, 1), S_IFREG | 0644);
	CU_ASSERT_EQUAL(field(h, 6), 5);
	CU_ASSERT_EQUAL(field(h, 11), 8);
	CU_ASSERT_EQUAL(memcmp(h + 120, "hello\0\0\0", 8), 0);
	CU_ASSERT_PTR_NOT_NULL(memmem(b.at, b.size, "TRAILER!!!", 11));
	bytes_free(&b);
	close(fd);
}

static void archive_on_a_full_disk(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct cpio c;

	cpio_begin(&c, fd);
	cpio_file(&c, "a", 0644, "x", 1);
	CU_ASSERT_EQUAL(cpio_end(&c), -ENOSPC);
	close(fd);
}

/* ---- ELF ---- */

static int count_name(void *ctx, const char *name)
{
	(void)name;
	++*(unsigned *)ctx;
	return 0;
}

static void own_libraries(void)
{
	const char *runpath;
	char error[512] = "";
	struct libs l = { 0 };
	unsigned n = 0;
	struct bytes b;
	size_t whole;

	CU_ASSERT_EQUAL_FATAL(bytes_load("/proc/self/exe", 256u << 20, &b), 0);
	CU_ASSERT_PTR_NOT_NULL(elf_interpreter(&b));
	CU_ASSERT_EQUAL(elf_needed(&b, count_name, &n, &runpath), 0);
	CU_ASSERT(n > 0);
	CU_ASSERT_EQUAL(libs_add(&l, &b, "/proc/self/exe", "", error), 0);
	CU_ASSERT(l.n > n); /* the interpreter too, and what libraries need */
	for (unsigned i = 0; i < l.n; i++)
		CU_ASSERT(elf_is(&l.l[i].data));
	libs_free(&l);
	whole = b.size;
	elf_strip(&b);
	CU_ASSERT(b.size < whole);
	n = 0;
	CU_ASSERT_EQUAL(elf_needed(&b, count_name, &n, &runpath), 0);
	CU_ASSERT(n > 0);
	bytes_free(&b);
}

/* Stripped, it still runs. */
static void stripped_runs(void)
{
	char path[512], *argv[] = { path, NULL }, text[64];
	struct bytes b;

	if (bytes_load("/bin/true", 1 << 20, &b))
		return;
	elf_strip(&b);
	put("true", b.at, b.size, 0700);
	bytes_free(&b);
	snprintf(path, sizeof(path), "%s/true", top);
	CU_ASSERT_EQUAL(capture(argv, 5000, text, sizeof(text)), 0);
}

/* Whatever bytes change, nothing outside the file is looked at (sanitizers tell). */
static void lying_elf(void)
{
	struct bytes whole, b, section;
	const char *runpath;
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(bytes_load("/bin/true", 1 << 20, &whole), 0);
	for (unsigned i = 0; i < 4000; i++) {
		size_t size = i % 3 ? whole.size : whole.size * (i % 97) / 97;

		b = (struct bytes){ malloc(size + 1), size };
		CU_ASSERT_PTR_NOT_NULL_FATAL(b.at);
		memcpy(b.at, whole.at, size);
		b.at[size] = 0;
		for (unsigned k = 0; k < 4 && size > 64; k++)
			b.at[(i * 37 + k * 101) % (i % 2	 ? 64
						   : size < 2048 ? size
								 : 2048)] =
				(uint8_t)(i * 151 + k * 7);
		elf_needed(&b, count_name, &n, &runpath);
		elf_interpreter(&b);
		elf_section(&b, ".modinfo", &section);
		elf_strip(&b);
		CU_ASSERT(b.size <= size);
		free(b.at);
	}
	bytes_free(&whole);
}

/* ---- modules ---- */

/* An ELF file whose one section of interest is .modinfo. */
static void put_module(const char *path, const char *info, size_t size)
{
	static const char names[] = "\0.modinfo\0.shstrtab";
	uint8_t file[4096] = { 0 };
	Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			 .e_type = ET_REL,
			 .e_machine = EM_X86_64,
			 .e_shoff = 2048,
			 .e_shentsize = sizeof(Elf64_Shdr),
			 .e_shnum = 3,
			 .e_shstrndx = 2 };
	Elf64_Shdr s[3] = {
		{ 0 },
		{ .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = 512, .sh_size = size },
		{ .sh_name = 10, .sh_type = SHT_STRTAB, .sh_offset = 128, .sh_size = sizeof(names) }
	};

	memcpy(file, &h, sizeof(h));
	memcpy(file + 128, names, sizeof(names));
	memcpy(file + 512, info, size);
	memcpy(file + 2048, s, sizeof(s));
	put(path, file, sizeof(file), 0600);
}
#define INFO(text) text, sizeof(text)

static char module_dir[256];

static void put_modules(void)
{
	snprintf(module_dir, sizeof(module_dir), "%s/debian/lib/modules/1.0-test", top);
	put_module("debian/lib/modules/1.0-test/kernel/a/one-two.ko",
		   INFO("name=one_two\0depends=three,four\0alias=pci:v*d*\0alias=fs-one\0"));
	put_module("debian/lib/modules/1.0-test/kernel/b/three.ko",
		   INFO("name=three\0depends=four\0"));
	put_module("debian/lib/modules/1.0-test/kernel/b/four.ko", INFO("name=four\0depends=\0"));
	put_module("debian/lib/modules/1.0-test/kernel/b/lost.ko",
		   INFO("name=lost\0depends=nowhere\0"));
	put_module("debian/lib/modules/1.0-test/kernel/b/left.ko",
		   INFO("name=left\0depends=right\0"));
	put_module("debian/lib/modules/1.0-test/kernel/b/right.ko",
		   INFO("name=right\0depends=left\0"));
	put("debian/lib/modules/1.0-test/kernel/b/noise.ko", "noise", 5, 0600);
	put("debian/lib/modules/1.0-test/modules.builtin",
	    INFO("kernel/drivers/virtio/virtio_pci.ko\nkernel/drivers/char/virtio_console.ko\n"),
	    0600);
}

static void refused(const char *name, int want, const char *words)
{
	char error[512] = "";
	struct modules m;
	int err = modules_load(module_dir, &name, 1, &m, error);

	modules_free(&m);
	if (err != want || !strstr(error, words))
		fprintf(stderr, "got %d '%s', want %d '%s'\n", err, error, want, words);
	CU_ASSERT_EQUAL(err, want);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, words));
}

static void modules_in_order(void)
{
	const char *names[] = { "one_two", "virtio-pci", "one-two" };
	char error[512] = "", *dep, *alias;
	struct modules m;

	put_modules();
	CU_ASSERT_EQUAL_FATAL(modules_load(module_dir, names, 3, &m, error), 0);
	CU_ASSERT_EQUAL_FATAL(m.n, 3);
	CU_ASSERT_STRING_EQUAL(m.m[0].name, "four");
	CU_ASSERT_STRING_EQUAL(m.m[1].name, "three");
	CU_ASSERT_STRING_EQUAL(m.m[2].name, "one_two");
	dep = modules_dep(&m);
	alias = modules_alias(&m);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(dep, "kernel/a/one-two.ko: kernel/b/four.ko kernel/b/three.ko\n"));
	CU_ASSERT_STRING_EQUAL(alias, "alias pci:v*d* one_two\nalias fs-one one_two\n");
	free(dep);
	free(alias);
	modules_free(&m);
	CU_ASSERT(modules_has(module_dir, "one-two"));
	CU_ASSERT(modules_has(module_dir, "virtio_pci"));
	CU_ASSERT(!modules_has(module_dir, "five"));
}

static void wrong_modules(void)
{
	refused("one_tow", -ENOENT, "no module 'one_tow'; did you mean 'one_two'?");
	refused("lost", -ENOENT, "no module 'nowhere'");
	refused("left", -ELOOP, "depends on itself");
	refused("noise", -EPROTO, "compressed in a way that is not known");
}

/* ---- kernels ---- */

/* The header of a bzImage with a payload that gzip packed. */
static void put_kernel(const char *path, const char *packed_file)
{
	uint8_t head[1024] = { [0x1f1] = 1, [0x1fe] = 0x55, [0x1ff] = 0xaa };
	struct bytes packed;
	uint8_t *file;

	CU_ASSERT_EQUAL_FATAL(bytes_load(packed_file, 1 << 20, &packed), 0);
	memcpy(head + 0x202, "HdrS", 4);
	le32_put(head + 0x248, 0);
	le32_put(head + 0x24c, (uint32_t)packed.size);
	file = malloc(sizeof(head) + packed.size);
	memcpy(file, head, sizeof(head));
	memcpy(file + sizeof(head), packed.at, packed.size);
	put(path, file, sizeof(head) + packed.size, 0600);
	free(file);
	bytes_free(&packed);
}

static void pack(const char *from, const char *to)
{
	char gzip[256], path[512], *argv[] = { gzip, (char[]){ "-c" }, NULL };
	int in = open(from, O_RDONLY | O_CLOEXEC), out;

	snprintf(path, sizeof(path), "%s/%s", top, to);
	out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL_FATAL(capture_find("gzip", gzip, sizeof(gzip)), 0);
	CU_ASSERT_EQUAL(capture_filter(argv, in, out, 5000), 0);
	close(in);
	close(out);
}

static void kernel_is_unpacked_once(void)
{
	char error[512] = "", path[KERNEL_PATH], packed[512];
	struct stat first, second;
	struct bytes b;
	struct kernel k;

	setenv("NVRIG_CACHE", top, 1);
	pack("/bin/true", "packed");
	snprintf(packed, sizeof(packed), "%s/packed", top);
	put_kernel("debian/boot/vmlinuz-1.0-test", packed);
	CU_ASSERT_EQUAL_FATAL(kernel_find(&k, error), 0);
	CU_ASSERT_STRING_EQUAL(k.release, "1.0-test");
	CU_ASSERT_EQUAL_FATAL(kernel_unpacked(&k, path, sizeof(path), error), 0);
	CU_ASSERT_EQUAL_FATAL(bytes_load(path, 1 << 20, &b), 0);
	CU_ASSERT(elf_is(&b));
	bytes_free(&b);
	CU_ASSERT_EQUAL(stat(path, &first), 0);
	CU_ASSERT_EQUAL(kernel_unpacked(&k, path, sizeof(path), error), 0);
	CU_ASSERT_EQUAL(stat(path, &second), 0);
	CU_ASSERT_EQUAL(first.st_ino, second.st_ino);
}

static void newest_of_both_places(void)
{
	char error[512] = "", packed[512], path[512];
	struct kernel k;

	snprintf(packed, sizeof(packed), "%s/packed", top);
	put_kernel("debian/boot/vmlinuz-2.0-test", packed);
	put("debian/usr/lib/modules/2.0-test/kernel/x.ko", "x", 1, 0600);
	CU_ASSERT_EQUAL_FATAL(kernel_find(&k, error), 0);
	CU_ASSERT_STRING_EQUAL(k.release, "2.0-test");
	CU_ASSERT_PTR_NOT_NULL(strstr(k.modules, "/usr/lib/modules/2.0-test"));
	snprintf(path, sizeof(path), "%s/debian/boot/vmlinuz-2.0-test", top);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL_FATAL(kernel_find(&k, error), 0);
	CU_ASSERT_STRING_EQUAL(k.release, "1.0-test");
	put_kernel("debian/usr/lib/modules/2.0-test/vmlinuz", packed);
	CU_ASSERT_EQUAL_FATAL(kernel_find(&k, error), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(k.vmlinuz, "/usr/lib/modules/2.0-test/vmlinuz"));
	snprintf(path, sizeof(path), "%s", k.vmlinuz);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static void wrong_kernels(void)
{
	char error[512] = "", path[KERNEL_PATH], packed[512];
	struct kernel k;

	put("debian/boot/vmlinuz-1.0-test", "no kernel", 9, 0600);
	CU_ASSERT_EQUAL_FATAL(kernel_find(&k, error), 0);
	CU_ASSERT_EQUAL(kernel_unpacked(&k, path, sizeof(path), error), -EPROTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "not a bzImage"));
	put("text", "text\n", 5, 0600);
	snprintf(path, sizeof(path), "%s/text", top);
	pack(path, "packed");
	snprintf(packed, sizeof(packed), "%s/packed", top);
	put_kernel("debian/boot/vmlinuz-1.0-test", packed);
	CU_ASSERT_EQUAL(kernel_unpacked(&k, path, sizeof(path), error), -EPROTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "no ELF file"));
	put_kernel("debian/boot/vmlinuz-1.0-test", "/bin/true");
	CU_ASSERT_EQUAL(kernel_unpacked(&k, path, sizeof(path), error), -EPROTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "compressed in a way"));
}

/* ---- the image ---- */

static void whole_image(void)
{
	static const char *const modules[] = { "one-two" };
	static const struct image_file files[] = { { .path = "/etc/x/y", .data = "z", .size = 1 } };
	struct image i = {
		.rig = "/bin/true", .modules = modules, .n_modules = 1, .files = files, .n_files = 1
	};
	int fd = memfd_create("test", MFD_CLOEXEC);
	char error[512] = "";
	struct kernel k;
	struct bytes b;

	put("debian/bin/busybox", "#!/bin/sh\necho sh; echo ../evil; echo ls\n", 42, 0700);
	CU_ASSERT_EQUAL_FATAL(kernel_find(&k, error), 0);
	CU_ASSERT_PTR_NULL(image_lacks(&i, error));
	CU_ASSERT_EQUAL_FATAL(image_write(&i, &k, fd, error), 0);
	CU_ASSERT_EQUAL_FATAL(bytes_load_fd(fd, 64 << 20, &b), 0);
	for (const char *const *p =
		     (const char *const[]){ "bin/nvrig", "bin/sh", "etc/x/y", "lib/libc.so.6",
					    "dev/console",
					    "lib/modules/1.0-test/kernel/a/one-two.ko",
					    "lib/modules/1.0-test/modules.dep", NULL };
	     *p; p++)
		CU_ASSERT_PTR_NOT_NULL(memmem(b.at, b.size, *p, strlen(*p) + 1));
	CU_ASSERT_PTR_NULL(memmem(b.at, b.size, "evil\0", 5));
	bytes_free(&b);
	close(fd);
	i.modules = (const char *const[]){ "five" };
	CU_ASSERT_PTR_NOT_NULL(image_lacks(&i, error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "has no module five"));
	i.n_modules = 0;
	i.programs = (const char *const[]){ "program-of-nowhere" };
	i.n_programs = 1;
	CU_ASSERT_PTR_NOT_NULL(image_lacks(&i, error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "program-of-nowhere is neither installed nor"));
}

static void hex(void)
{
	static const uint8_t bytes[] = { 0, 1, 0x9f, 0xff };
	uint8_t back[4];
	char text[9];

	hex_from(bytes, 4, text);
	CU_ASSERT_STRING_EQUAL(text, "00019fff");
	CU_ASSERT_EQUAL(hex_to(text, back), 4);
	CU_ASSERT_EQUAL(memcmp(back, bytes, 4), 0);
	CU_ASSERT_EQUAL(hex_to("0", back), -EINVAL);
	CU_ASSERT_EQUAL(hex_to("0g", back), -EINVAL);
	CU_ASSERT_EQUAL(hex_to("", back), 0);
}

static const struct unit units[] = {
	{ "archive", archive },
	{ "archive on a full disk", archive_on_a_full_disk },
	{ "own libraries", own_libraries },
	{ "stripped runs", stripped_runs },
	{ "lying ELF", lying_elf },
	{ "modules in order", modules_in_order },
	{ "wrong modules", wrong_modules },
	{ "kernel is unpacked once", kernel_is_unpacked_once },
	{ "kernel: both places", newest_of_both_places },
	{ "wrong kernels", wrong_kernels },
	{ "whole image", whole_image },
	{ "hex", hex },
};

UNIT_MAIN_IN(top, "image", units)
