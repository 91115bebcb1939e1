//! The helper as the extension sees it, with devices on the network: each request that looks at one.

mod asleep;
mod connections;
mod disk;
mod explained;
mod extension;
mod meetings;
mod moved;
mod terminal;

use housekey_tests::{trial, trials};

fn main() -> anyhow::Result<()> {
    trial::run(|lan| {
        trials![
            move |_| lan;
            asleep::what_was_under_way_goes_on,
            connections::a_decision_of_another_process_ends_them,
            connections::nothing_is_upgraded_in_appearance,
            connections::what_they_speak_is_told,
            disk::a_full_disk_loses_nothing,
            explained::a_browser_that_distrusts_the_authority_is_told,
            explained::a_probe_says_whether_it_is_the_expected_one,
            explained::a_root_that_a_device_sends_can_be_trusted,
            explained::an_outdated_device_says_what_it_speaks,
            explained::settings_forbid_what_else_is_asked,
            meetings::a_stranger_is_met_for_the_asking,
            meetings::who_waits_for_a_device_holds_up_nobody,
            moved::a_device_takes_all_that_is_known_of_it_along,
            moved::it_is_said_who_is_at_the_old_address,
            terminal::a_gateway_ends_with_whoever_started_it,
            terminal::a_person_is_asked_and_nobody_else,
            terminal::curl_opens_what_is_trusted_and_nothing_else,
            terminal::what_the_page_refuses_a_terminal_refuses_too,
        ]
    })
}
