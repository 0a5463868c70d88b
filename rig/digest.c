// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

int digest_text(const void *bytes, size_t n, char ret[DIGEST_TEXT])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!EVP_Digest(bytes, n, md, &len, EVP_sha256(), NULL) || len != (DIGEST_TEXT - 1) / 2)
		return -EIO;
	for (unsigned i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", md[i]);
	return 0;
}
