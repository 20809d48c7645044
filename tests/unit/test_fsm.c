/* SPDX-License-Identifier: Apache-2.0 */
/* The state tables: every final state is final, every state is reached, nothing dangles. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fsm.h"

/* Only somebody's wish leads out of a final state; no event of the work itself does. */
static bool is_wish(int event)
{
	return event == SL_EVENT_ANALYSES_ASKED_FOR || event == SL_EVENT_DELETE_ASKED_FOR ||
		event == SL_EVENT_ANALYSIS_ASKED_FOR;
}

static void final_states_have_no_way_out_but_a_wish(void **state)
{
	(void)state;
	for (int video = 0; video < SL_VIDEO_STATES_; video++) {
		bool leaves = false;
		for (int event = 0; event < SL_EVENTS_; event++) {
			leaves = leaves ||
				(!is_wish(event) &&
					sl_fsm_video_next((enum sl_video_state)video,
						(enum sl_event)event) >= 0);
		}
		/* A video that is being deleted is in no state at last. */
		bool ends = sl_fsm_video_is_final((enum sl_video_state)video) ||
			video == SL_VIDEO_DELETING;
		assert_int_equal(leaves, !ends);
	}
	for (int analysis = 0; analysis < SL_ANALYSIS_STATES_; analysis++) {
		bool leaves = false;
		for (int event = 0; event < SL_EVENTS_; event++) {
			leaves = leaves ||
				(!is_wish(event) &&
					sl_fsm_analysis_next((enum sl_analysis_state)analysis,
						(enum sl_event)event) >= 0);
		}
		assert_int_equal(
			leaves, !sl_fsm_analysis_is_final((enum sl_analysis_state)analysis));
	}
}

static void every_state_but_the_last_can_be_deleted_and_open_ones_cancelled(void **state)
{
	(void)state;
	for (int i = 0; i < SL_VIDEO_STATES_; i++) {
		enum sl_video_state video = (enum sl_video_state)i;
		int deleted = sl_fsm_video_next(video, SL_EVENT_DELETE_ASKED_FOR);
		assert_int_equal(deleted, video == SL_VIDEO_DELETING ? -1 : SL_VIDEO_DELETING);
		bool open = !sl_fsm_video_is_final(video) && video != SL_VIDEO_DELETING &&
			video != SL_VIDEO_CANCELING;
		int canceled = sl_fsm_video_next(video, SL_EVENT_CANCEL_ASKED_FOR);
		assert_int_equal(canceled, open ? SL_VIDEO_CANCELING : -1);
		int again = sl_fsm_video_next(video, SL_EVENT_ANALYSES_ASKED_FOR);
		assert_int_equal(again, sl_fsm_video_is_final(video) ? SL_VIDEO_ANALYZING : -1);
	}
}

/* Follows every edge from the states a submission can begin in. */
static void every_video_state_is_reached(void **state)
{
	(void)state;
	unsigned reached = 1U << SL_VIDEO_QUEUED | 1U << SL_VIDEO_AWAITING_UPLOAD;
	for (int round = 0; round < SL_VIDEO_STATES_; round++) {
		for (int from = 0; from < SL_VIDEO_STATES_; from++) {
			for (int event = 0; (reached & 1U << from) && event < SL_EVENTS_; event++) {
				int to = sl_fsm_video_next(
					(enum sl_video_state)from, (enum sl_event)event);
				reached |= to >= 0 ? 1U << to : 0;
			}
		}
	}
	assert_int_equal(reached, (1U << SL_VIDEO_STATES_) - 1);
}

static void a_video_can_fail_wherever_it_is(void **state)
{
	(void)state;
	static const enum sl_video_state early[] = {
		SL_VIDEO_AWAITING_UPLOAD, SL_VIDEO_QUEUED, SL_VIDEO_TRANSCODING};
	for (size_t i = 0; i < SL_ARRAY_SIZE(early); i++) {
		assert_int_equal(sl_fsm_video_next(early[i], SL_EVENT_FAILED), SL_VIDEO_FAILED);
	}
	assert_int_equal(
		sl_fsm_video_next(SL_VIDEO_ANALYZING, SL_EVENT_SETTLED_FAILED), SL_VIDEO_FAILED);
}

static void late_and_doubled_events_mean_nothing(void **state)
{
	(void)state;
	assert_int_equal(sl_fsm_video_next(SL_VIDEO_COMPLETE, SL_EVENT_TRANSCODED), -1);
	assert_int_equal(sl_fsm_video_next(SL_VIDEO_ANALYZING, SL_EVENT_TRANSCODED), -1);
	assert_int_equal(
		sl_fsm_analysis_next(SL_ANALYSIS_COMPLETE, SL_EVENT_ANALYSIS_COLLECTED), -1);
	assert_int_equal(sl_fsm_analysis_next(SL_ANALYSIS_SKIPPED, SL_EVENT_ANALYSIS_STARTED), -1);
}

static void names_go_both_ways(void **state)
{
	(void)state;
	for (int i = 0; i < SL_VIDEO_STATES_; i++) {
		const char *name = sl_fsm_video_state_name((enum sl_video_state)i);
		assert_true(sl_fsm_video_state_known(name));
		assert_int_equal(sl_fsm_video_state_parse(name), i);
	}
	for (int i = 0; i < SL_ANALYSIS_STATES_; i++) {
		const char *name = sl_fsm_analysis_state_name((enum sl_analysis_state)i);
		assert_int_equal(sl_fsm_analysis_state_parse(name), i);
	}
	assert_false(sl_fsm_video_state_known("done"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(final_states_have_no_way_out_but_a_wish),
		cmocka_unit_test(every_state_but_the_last_can_be_deleted_and_open_ones_cancelled),
		cmocka_unit_test(every_video_state_is_reached),
		cmocka_unit_test(a_video_can_fail_wherever_it_is),
		cmocka_unit_test(late_and_doubled_events_mean_nothing),
		cmocka_unit_test(names_go_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
