//! The extension's identity in each browser: the helper answers to these and to nothing else.
//!
//! The packer's tests hold them against `manifests/extension/{chrome,firefox}.json`.

/// The extension's id in Chrome and its relatives.
///
/// Derived from the manifest's `key`, so it is the same however the extension was loaded:
/// the first 128 bits of the SHA-256 of the public key (DER SPKI), as hexadecimal digits
/// written `a` to `p`
/// (<https://developer.chrome.com/docs/extensions/reference/manifest/key>).
/// The private half of that key was never kept: loading an unpacked extension needs none,
/// and a store signs with its own.
pub const CHROME: &str = "oalaenignfadkjnliipakhdnklhedfpg";

/// The add-on's id in Firefox and its relatives: `browser_specific_settings.gecko.id`.
pub const FIREFOX: &str = "housekey@housekey.app";
