//! What a checkup found, in words: for every page that tells of one.

use housekey_core::checkup::{Check, Checkup, State};

use super::PageHost;
use super::text::{Values, code, plural};

/// How it is as a whole: `good`, `one` or `many`, with the number of what is `broken`.
pub(super) fn result(host: &PageHost, checkup: &Checkup) -> Values {
    let broken = checkup.count(State::Bad);
    let mut values = Values::default();
    values.flag("good", broken == 0);
    values.flag("one", broken == 1);
    values.flag("many", broken > 1);
    values.set("result", plural(broken));
    values.set("broken", host.number(broken));
    values.set("time", host.time_of_day(checkup.at));
    values
}

/// One check, and what mends it where that is to be said.
pub(super) fn values(host: &PageHost, check: &Check, with_fix: bool) -> Values {
    let mut values = Values::default();
    values.set("state", code(&check.found.state()));
    values.set("found", code(&check.found));
    values.set("link", code(&check.found.link()));
    if let Some(whose) = &check.whose {
        let (whose, names) = whose.words();
        values.set(
            "whose",
            host.sentence(&format!("check_whose_{whose}"), &names),
        );
    }
    values.set("place", check.place.as_str());
    if let Some(why) = &check.why {
        values.set("why", code(&why.trouble));
        values.set("said", why.said.as_str());
    }
    let fix = check.found.fix().filter(|_| with_fix);
    values.set_some("fix", fix.map(|fix| code(&fix)));
    values
}
