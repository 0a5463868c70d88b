// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SMART / Health Information: counters, temperature, the critical warning and its event.
 * Sources: Base 2.0 SMART / Health Information, Temperature Threshold; NVM CS 1.0 SMART / Health
 * Information; NVM CS 1.2 Definitions (which commands count as SMART reads).
 */
#include "base/clock.h"
#include "model/feature.h"
#include "model/log.h"

#define TEMPERATURE	       313u /* kelvin: 40 degrees Celsius, and so it stays */
#define EVENT_SMART	       1u
#define EVENT_INFO_TEMPERATURE 1u

void smart_count(struct model *m, enum smart_kind kind, uint64_t blocks, unsigned lbads)
{
	struct smart_counts *n = &m->logs->smart;
	uint64_t units =
		lbads != 9 && FAULT(m, SMART_UNITS_IN_LBAS) ? blocks : blocks << (lbads - 9);
	unsigned one = FAULT(m, SMART_COMMANDS_DOUBLE) ? 2 : 1;

	switch (kind) {
	case SMART_READ:
	case SMART_COMPARE:
		n->host_reads += one;
		n->read_units += units;
		break;
	case SMART_VERIFY:
		n->read_units += units;
		break;
	case SMART_WRITE:
		n->host_writes += one;
		n->written_units += units;
		break;
	case SMART_FLUSH:
		n->host_writes += FAULT(m, SMART_COUNTS_FLUSH);
		break;
	}
}

void smart_media_error(struct model *m)
{
	m->logs->smart.media_errors++;
}

void smart_activity(struct model *m)
{
	m->logs->shut_down = false;
}

void smart_reset(struct model *m, enum model_reset kind)
{
	struct model_logs *l = m->logs;

	switch (kind) {
	case MODEL_POWER_ON:
		l->smart.power_cycles++;
		break;
	case MODEL_POWER_OFF:
		l->smart.unsafe_shutdowns += !l->shut_down;
		break;
	case MODEL_SHUTDOWN:
		l->shut_down = true;
		break;
	case MODEL_RESET_CC:
	case MODEL_RESET_FLR:
		l->smart.power_cycles += FAULT(m, SMART_RESET_IS_POWER_CYCLE);
		if ((l->smart.host_reads || l->smart.host_writes) &&
		    FAULT(m, SMART_COUNTERS_RESTART))
			l->smart.host_reads = l->smart.host_writes = 0;
		break;
	}
}

unsigned logs_temperature(const struct model *m)
{
	(void)m;
	return TEMPERATURE;
}

static bool beyond_threshold(const struct model *m)
{
	unsigned now = logs_temperature(m);

	for (unsigned sensor = 0; sensor <= TEMP_SENSORS; sensor++)
		if (now >= feature_temp_threshold(m, sensor, false) ||
		    (now <= feature_temp_threshold(m, sensor, true) &&
		     !FAULT(m, TEMP_UNDER_IGNORED)))
			return true;
	return false;
}

void smart_report_if_hot(struct model *m)
{
	unsigned lid = FAULT(m, TEMP_EVENT_WRONG_LOG) ? NVME_LOG_LID_ERROR : NVME_LOG_LID_SMART;

	if (m->logs->hot && !FAULT(m, TEMP_EVENT_MISSING))
		model_event(m, EVENT_SMART, EVENT_INFO_TEMPERATURE, lid);
}

void logs_check_temperature(struct model *m)
{
	bool was = m->logs->hot;

	m->logs->hot = beyond_threshold(m);
	if (!was)
		smart_report_if_hot(m);
}

/* Data Units are thousands, rounded up. */
static uint64_t thousands(uint64_t units)
{
	return (units + 999) / 1000;
}

/* What faults make of the page. */
static void bend(struct model *m, struct nvme_smart_log *log)
{
	if (log->critical_warning && FAULT(m, TEMP_WARNING_MISSING))
		log->critical_warning = 0;
	if (FAULT(m, SMART_SPARE_ABOVE_100))
		log->avail_spare = 101;
	if (FAULT(m, SMART_TEMPERATURE_WILD))
		le16_put(log->temperature, 0);
	if (FAULT(m, SMART_RESERVED_NOT_ZERO))
		log->rsvd232[0] = 1;
	if (le64_at(log->num_err_log_entries) && FAULT(m, SMART_ERRORS_NOT_COUNTED))
		le64_put(log->num_err_log_entries, 0);
	if (++m->logs->noise % 8 == 0 && FAULT(m, SMART_FALLS_NOW_AND_THEN))
		le64_put(log->host_reads, 0);
}

size_t smart_build(struct model *m, uint8_t *page)
{
	struct nvme_smart_log *log = (struct nvme_smart_log *)page;
	const struct smart_counts *n = &m->logs->smart;

	log->critical_warning = beyond_threshold(m) ? NVME_SMART_CRIT_TEMPERATURE : 0;
	le16_put(log->temperature, (uint16_t)logs_temperature(m));
	log->avail_spare = 100;
	log->spare_thresh = 10;
	le64_put(log->data_units_read, thousands(n->read_units));
	le64_put(log->data_units_written, thousands(n->written_units));
	le64_put(log->host_reads, n->host_reads);
	le64_put(log->host_writes, n->host_writes);
	le64_put(log->power_cycles, n->power_cycles);
	le64_put(log->power_on_hours, m->sub->now / (3600 * NS_PER_S));
	le64_put(log->unsafe_shutdowns, n->unsafe_shutdowns);
	le64_put(log->media_errors, n->media_errors);
	le64_put(log->num_err_log_entries, m->logs->errors);
	bend(m, log);
	for (unsigned i = 0; i < TEMP_SENSORS; i++)
		log->temp_sensor[i] = le16_from((uint16_t)logs_temperature(m));
	return sizeof(*log);
}
