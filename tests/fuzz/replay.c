// SPDX-License-Identifier: GPL-2.0-or-later
/* main() without libFuzzer: every file of the directories and files named goes in once. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define FILE_MAX (1u << 20)

static unsigned files;

static int play_file(const char *path)
{
	static uint8_t bytes[FILE_MAX];
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t n;

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	/* of its own size, so that a sanitizer sees a read past the end */
	exact = malloc(n ? n : 1);
	MUST(exact);
	memcpy(exact, bytes, n);
	fprintf(stderr, "%s\n", path); /* the last line names what crashed */
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	files++;
	return 0;
}

static int play(const char *path)
{
	struct dirent **list;
	struct stat st;
	int n, bad = 0;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return play_file(path);
	n = scandir(path, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, list[i]->d_name);
		if (list[i]->d_name[0] != '.')
			bad |= play_file(name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return bad | (n < 0);
}

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++)
		bad |= play(argv[i]);
	printf("%u inputs\n", files);
	return bad || !files;
}
