//! The gateway between real sockets: whatever a device or a browser does passes, and nothing else.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

mod approvals;
mod ends;
mod face;
mod garbage;
mod handshakes;
mod http;
mod log;
mod meetings;
mod names;
mod probes;
mod scene;
mod sessions;
mod sockets;
mod trouble;
mod uploads;

use housekey_tests::{trial, trials};

fn main() -> anyhow::Result<()> {
    trial::run(|lan| {
        trials![
            move |_| lan;
            approvals::a_profile_that_did_not_say_so_has_not_deleted_anything,
            ends::a_clean_end_is_clean,
            ends::a_truncated_answer_does_not_look_complete,
            ends::a_reset_is_a_reset,
            ends::a_browser_that_has_said_all_still_hears,
            ends::the_device_sees_how_a_browser_leaves,
            ends::garbage_after_the_handshake_ends_it,
            ends::large_bodies_pass_whole_both_ways,
            ends::a_slow_reader_slows_the_writer,
            ends::new_keys_are_taken_and_given,
            ends::a_person_s_decision_ends_it,
            ends::a_connection_to_another_key_ends_those_of_before,
            ends::a_list_that_nobody_believes_opens_nothing,
            ends::silence_ends_nothing,
            ends::half_an_end_is_given_a_minute_of_silence,
            garbage::a_large_handshake_may_come_byte_by_byte,
            garbage::damage_in_a_handshake_is_never_a_question,
            garbage::garbage_without_end_is_stopped,
            face::whatever_comes_without_the_secret_is_answered_alike_and_at_once,
            face::a_home_is_not_searched_through,
            handshakes::the_browser_s_protocol_is_the_device_s,
            handshakes::tls_1_2_passes,
            handshakes::an_older_client_is_served,
            handshakes::a_wanted_certificate_is_told,
            handshakes::a_browser_that_distrusts_is_noticed,
            handshakes::garbage_instead_of_a_handshake_is_told,
            handshakes::a_wish_to_begin_anew_is_declined_at_once,
            log::nothing_private_is_in_a_log,
            meetings::a_meeting_outlives_the_browser_s_wish,
            meetings::a_meeting_that_fails_has_ended,
            meetings::a_trusted_device_is_no_meeting,
            names::a_name_is_asked_of_everybody_and_checked,
            names::a_silent_name_server_is_not_waited_for,
            probes::a_thousand_looks_at_once_are_all_answered,
            sessions::a_device_is_recognised_but_never_another_key,
            sessions::a_decision_ends_what_was_remembered,
            sessions::a_decision_elsewhere_ends_it_too,
            sessions::a_device_without_sessions_signs_every_time,
            sessions::a_broken_session_is_no_failure,
            sockets::a_foreign_page_s_socket_reaches_nobody,
            sockets::what_is_taken_back_elsewhere_ends,
            sockets::what_is_no_socket_is_not_held_up,
            trouble::a_thousand_connections_leave_nothing,
            trouble::a_device_that_vanishes_leaves_nothing,
            trouble::whoever_says_nothing_holds_up_nobody,
            trouble::a_killed_helper_cuts_and_ends_nothing,
            trouble::a_network_that_comes_back_is_used_again,
            trouble::a_slow_device_is_waited_for_and_a_silent_one_given_up,
            trouble::nobody_waits_for_a_device_in_vain,
            trouble::a_stranger_is_met_to_the_end,
            trouble::strangers_hold_their_places_for_seconds_only,
            trouble::a_question_to_everybody_ends_with_whoever_asked,
            uploads::an_answer_to_half_an_upload_arrives,
            uploads::a_device_that_takes_nothing_for_minutes_goes_on,
            uploads::an_upload_that_nobody_takes_leaves_nothing,
            uploads::whether_a_silent_device_is_there_is_asked,
            http::one_connection_serves_many_requests,
            http::requests_may_come_all_at_once,
            http::an_old_browser_is_answered_until_the_end,
            http::pieces_and_trailers_stay,
            http::whoever_asks_first_is_told_to_continue,
            http::ranges_are_ranges,
            http::framed_messages_pass,
            http::http2_keeps_its_flow_control,
            http::http2_trailers_and_resets_pass,
        ]
    })
}
