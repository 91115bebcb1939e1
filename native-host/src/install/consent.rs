//! What a person is told before a browser is given an authority to trust.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use housekey_core::scope::LOCAL_SUFFIXES;

use crate::paths::{Paths, shown};

/// What the local authority is, in plain words.
#[must_use]
pub fn explain(paths: &Paths, local_names: &BTreeSet<String>) -> String {
    let mut names = String::new();
    for suffix in LOCAL_SUFFIXES {
        let _ = write!(names, "*.{suffix}, ");
    }
    for name in local_names {
        let _ = write!(names, "{name}, ");
    }
    format!(
        "About the local authority\n\
         \n\
         A browser shows a padlock only if an authority that it trusts vouches for the address.\n\
         For an address such as 192.168.1.20 there is none, so Housekey makes one on this computer,\n\
         for this computer, and asks your browsers to trust it.\n\
         \n\
         It can vouch for   private addresses (10.*, 172.16.* to 172.31.*, 192.168.*, 169.254.*,\n\
         \x20                  100.64.* to 100.127.*, fc00::/7, fe80::/10)\n\
         \x20                  and names at {}\n\
         It cannot vouch    for any other address on the internet. The limits stand in the certificate\n\
         \x20                  and the browsers enforce them; the key that could make another one\n\
         \x20                  without limits is destroyed at once and was never written.\n\
         Its key stays      in {}, readable by you alone.\n\
         To remove it       run `housekey uninstall`.\n",
        names.trim_end_matches(", "),
        shown(&paths.authority()),
    )
}
