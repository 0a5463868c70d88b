// SPDX-License-Identifier: GPL-2.0-or-later
#include "temperature.h"

static unsigned composite_temperature(struct rig *r)
{
	struct nvme_smart_log *log = rig_mem(r, sizeof(*log));

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, log, sizeof(*log)));
	return le16_at(log->temperature);
}

void temperature_configure(struct rig *r, uint32_t aec)
{
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, aec));
}

unsigned temperature_watch(struct rig *r)
{
	unsigned kelvin;

	rig_keep_feature(r, NVME_FEAT_FID_TEMP_THRESH, 0, 0);
	rig_keep_feature(r, NVME_FEAT_FID_ASYNC_EVENT, 0, 0);
	kelvin = composite_temperature(r);
	if (kelvin < 2)
		rig_na(r, "the controller reports no Composite Temperature");
	temperature_configure(r, AEC_TEMPERATURE);
	return kelvin;
}

void temperature_cross(struct rig *r, unsigned kelvin)
{
	uint32_t below = kelvin > FAR ? kelvin - FAR : 1;

	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_TEMP_THRESH, false, 0, below));
}

void temperature_uncross(struct rig *r, unsigned kelvin)
{
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_TEMP_THRESH, false, 0, kelvin + FAR));
}
