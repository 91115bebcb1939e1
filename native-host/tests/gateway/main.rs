//! The gateway between real sockets: whatever a device or a browser does passes, and nothing else.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

mod ends;
mod handshakes;
mod meetings;
mod scene;
mod sessions;
mod trouble;

use anyhow::Result;
use housekey_tests::lan::Lan;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> Result<()> {
    let lan = Lan::enter()?;
    let mut arguments = Arguments::from_args();
    // Every test has its device at the same address.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials(lan)).exit()
}

fn trials(lan: Lan) -> Vec<Trial> {
    /// A trial named like the function it runs.
    macro_rules! trials {
        ($($module:ident :: $test:ident),* $(,)?) => { vec![$(
            Trial::test(concat!(stringify!($module), "::", stringify!($test)), move || {
                run($module::$test(lan))
            }),
        )*] };
    }
    trials![
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
        handshakes::the_browser_s_protocol_is_the_device_s,
        handshakes::tls_1_2_passes,
        handshakes::a_wanted_certificate_is_told,
        handshakes::a_browser_that_distrusts_is_noticed,
        handshakes::garbage_instead_of_a_handshake_is_told,
        meetings::a_meeting_outlives_the_browser_s_wish,
        meetings::a_meeting_that_fails_has_ended,
        meetings::a_trusted_device_is_no_meeting,
        sessions::a_device_is_recognised_but_never_another_key,
        sessions::a_decision_ends_what_was_remembered,
        sessions::a_decision_elsewhere_ends_it_too,
        sessions::a_device_without_sessions_signs_every_time,
        sessions::a_broken_session_is_no_failure,
        trouble::a_thousand_connections_leave_nothing,
        trouble::a_device_that_vanishes_leaves_nothing,
        trouble::whoever_says_nothing_holds_up_nobody,
    ]
}

fn run(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(test);
    Ok(())
}
