//! The root's key, which signs two certificates and is gone.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey};

/// An ECDSA P-256 key that cannot be written.
///
/// `rcgen::KeyPair` keeps a serialised copy of its key, so it is not used for this one.
/// This key exists only inside AWS-LC, which wipes memory before it frees it
/// (`OPENSSL_free` in its `crypto/mem.c`), so dropping the value destroys the key.
pub(super) struct RootKey(EcdsaKeyPair);

impl RootKey {
    pub(super) fn generate() -> Result<Self, rcgen::Error> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .map(Self)
            .map_err(|_| rcgen::Error::RingUnspecified)
    }
}

impl PublicKeyData for RootKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for RootKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        signature
            .map(|bytes| bytes.as_ref().to_vec())
            .map_err(|_| rcgen::Error::RingUnspecified)
    }
}
