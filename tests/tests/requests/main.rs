//! The helper as the extension sees it, with devices on the network: each request that looks at one.

mod connections;
mod explained;
mod extension;
mod meetings;
mod moved;

use anyhow::Result;
use housekey_tests::lan::Lan;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> Result<()> {
    let lan = Lan::enter()?;
    let mut arguments = Arguments::from_args();
    // Every test has its devices at the same addresses.
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
        connections::a_decision_of_another_process_ends_them,
        connections::what_they_speak_is_told,
        explained::a_browser_that_distrusts_the_authority_is_told,
        explained::a_probe_says_whether_it_is_the_expected_one,
        explained::a_root_that_a_device_sends_can_be_trusted,
        explained::an_outdated_device_says_what_it_speaks,
        explained::settings_forbid_what_else_is_asked,
        meetings::who_waits_for_a_device_holds_up_nobody,
        moved::a_device_takes_all_that_is_known_of_it_along,
        moved::it_is_said_who_is_at_the_old_address,
    ]
}

fn run(test: impl Future<Output = Result<()>>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime
        .block_on(test)
        .map_err(|error| format!("{error:#}").into())
}
