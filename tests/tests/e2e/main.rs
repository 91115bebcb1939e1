//! End to end: sample devices, the real helper, real browsers, in a network of their own.

mod access;
mod accessibility;
mod approval;
mod change;
mod controls;
mod devices;
mod extension;
mod helper;
mod install;
mod isolation;
mod local_network_access;
mod makers;
mod options;
mod private;
mod profiles;
mod proxies;
mod public;
mod questions;
mod scene;
mod sites;
mod slow;
mod transport;

use anyhow::Result;
use housekey_tests::browser::Kind;
use housekey_tests::lan::Lan;
use housekey_tests::{trial, trials};
use libtest_mimic::Trial;

use crate::scene::Stage;

fn main() -> Result<()> {
    trial::run(|lan| {
        let kinds = [Kind::Chromium, Kind::Firefox];
        let mut all: Vec<_> = kinds
            .into_iter()
            .flat_map(|kind| in_browser(lan, kind))
            .collect();
        all.extend(trials![
            move |_| lan;
            install::uninstalling_leaves_nothing,
            makers::trusting_a_maker_from_a_prompt,
        ]);
        all
    })
}

/// Every test in this browser.
fn in_browser(lan: Lan, kind: Kind) -> Vec<Trial> {
    let trials = trials![
        move |test| Stage::new(lan, kind, test);
        accessibility::every_state_is_accessible,
        controls::without_housekey_the_browser_warns,
        controls::without_housekey_tabs_are_restored,
        approval::the_walk,
        approval::a_wrong_key_gets_not_one_byte,
        approval::a_key_swapped_under_the_question_is_not_approved,
        approval::an_open_page_sends_nothing_to_another_key,
        approval::back_leads_past_the_question,
        approval::subresources_do_not_ask,
        questions::a_device_that_moved_is_recognised,
        questions::a_wrong_code_closes_the_way,
        questions::enter_goes_on_nowhere,
        questions::not_now_is_taken_back,
        questions::no_page_can_press,
        questions::one_tab_asks_for_all,
        questions::the_waiting_tab_answers_too,
        change::a_replaced_device_gets_no_old_session,
        change::a_reset_device_is_trusted_again,
        change::a_sibling_is_a_change,
        change::an_expired_certificate_is_extended_by_the_person,
        change::a_blocked_device_stays_blocked,
        change::forgetting_cuts_open_connections,
        change::forgetting_by_command_cuts_open_connections,
        change::a_damaged_store_fails_closed,
        change::browsers_share_their_pins,
        profiles::the_other_browser_forgets_the_old_session_too,
        devices::each_is_told_for_what_it_is,
        devices::a_device_that_is_already_fine_is_left_alone,
        options::a_device_is_named_noted_and_told_about,
        options::devices_travel_in_a_file,
        options::settings_that_refuse_really_refuse,
        options::makers_are_added_and_removed,
        options::the_popup_tells_the_tabs_state,
        options::thousands_of_devices,
        slow::a_slow_device_is_told_of,
        slow::nobody_has_to_wait_for_a_slow_device,
        slow::a_slow_device_that_is_already_fine_opens,
        transport::http2_stays_http2,
        transport::web_sockets_and_events_pass,
        transport::an_upload_passes_whole,
        transport::nginx_behind_the_padlock,
        transport::ipv6_and_names,
        isolation::a_web_page_cannot_reach_the_trust_page,
        isolation::the_gateway_is_deaf_without_its_secret,
        local_network_access::nothing_passes_that_would_not_without_housekey,
        sites::a_site_that_is_let_in_reaches_that_device_only,
        sites::an_added_name_is_kept_from_other_pages,
        public::public_hosts_are_not_routed,
        public::a_name_that_is_led_elsewhere_reaches_nobody,
        public::a_local_name_with_a_public_address_is_refused,
        public::forged_leaves_for_public_names_are_refused,
        private::a_private_window_is_left_alone,
        extension::with_the_extension_gone_the_browser_warns,
        extension::an_update_opens_nothing_and_asks_nothing,
        helper::an_updated_helper_takes_over,
        helper::killed_it_comes_back_and_nothing_falls_back,
        helper::restored_tabs_load,
        helper::without_a_helper_the_browser_is_as_it_was,
        proxies::a_proxy_that_was_there_is_used_as_before,
        proxies::a_policys_proxy_stays_in_charge,
    ];
    let only = match kind {
        // One script for all requests, and one owner of it. Firefox lets requests wait for the helper.
        Kind::Chromium => trials![
            move |test| Stage::new(lan, kind, test);
            helper::after_sleep_the_question_comes_first,
            proxies::a_script_that_was_there_stays_in_charge,
            proxies::another_extensions_proxy_is_told_of,
        ],
        // Where WebDriver reaches the list of extensions.
        Kind::Firefox => trials![
            move |test| Stage::new(lan, kind, test);
            access::devices_are_closed_until_it_is_given_back,
            proxies::other_extensions_are_worked_beside_or_told_of,
        ],
    };
    let named = trials.into_iter().chain(only);
    named
        .map(|trial| trial.with_kind(kind.to_string()))
        .collect()
}
