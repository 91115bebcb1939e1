//! The way from a leaf to a root, with bounds on the work that a stranger's chain can cause.
//!
//! rustls-webpki looks for a way through all intermediates at once, and its bounds are on the number
//! of steps, not on what a step costs: a hundred hostile intermediates cost it a third of a second,
//! and again for each manufacturer whose root is tried. So the candidates are found here, by names alone, shortest first, and each is given to
//! rustls-webpki by itself. What counts is what rustls-webpki says, and the checks added to it.

use std::cell::Cell;
use std::collections::BTreeMap;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::constraints::{Constraints, LeafNames};
use super::root::{Root, may_sign};

/// What a device presented, taken apart once.
pub(super) struct Presented<'a> {
    leaf: Link<'a>,
    leaf_names: LeafNames,
    intermediates: Vec<Link<'a>>,
    /// Who of the intermediates may have issued which, by name.
    issuers: Vec<Vec<usize>>,
    issuers_of_leaf: Vec<usize>,
    /// Why an intermediate was left out, if one was.
    left_out: Option<Error>,
}

struct Link<'a> {
    der: &'a CertificateDer<'a>,
    parsed: EndEntityCert<'a>,
    constraints: Constraints,
    may_sign: Result<(), Error>,
    /// Names that constraints above are compared with.
    names: usize,
}

/// Why no path verified.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something about the chain.
    Chain(Error),
    /// A path is sound, but the root that it ends in cannot vouch for anybody.
    Root(Error),
}

/// How much work one chain may cause, whatever roots it is tried with.
#[derive(Debug)]
pub(super) struct Budget {
    steps: usize,
    signatures: usize,
    comparisons: usize,
}

/// What every path has to hold to.
pub(super) struct Rules<'a> {
    pub(super) algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    pub(super) time: UnixTime,
}

impl<'a> Presented<'a> {
    /// Takes a chain apart, leaf first.
    ///
    /// # Errors
    ///
    /// rustls-webpki's for a leaf that cannot be read, and
    /// [`Error::MaximumPathBuildCallsExceeded`] for a chain without bounds.
    pub(super) fn read(chain: &'a [CertificateDer<'a>]) -> Result<Self, Error> {
        let (leaf, others) = chain.split_first().ok_or(Error::BadDer)?;
        let bytes: usize = chain.iter().map(|der| der.len()).sum();
        if others.len() > MAX_INTERMEDIATES || bytes > MAX_BYTES {
            return Err(Error::MaximumPathBuildCallsExceeded);
        }
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| Error::BadDer)?;
        let leaf_names = LeafNames::read(&parsed)?;
        let mut leaf = Link::read(leaf)?;
        leaf.names += leaf_names.count();
        let mut intermediates: Vec<Link<'_>> = Vec::new();
        let mut left_out = None;
        for der in others {
            if intermediates.iter().any(|known| known.der == der) {
                continue;
            }
            match Link::read(der) {
                Ok(link) => intermediates.push(link),
                Err(error) => left_out = left_out.or(Some(error)),
            }
        }
        let issuers_of = |link: &Link<'_>| {
            let all = intermediates.iter().enumerate();
            let same = all.filter(|(_, it)| it.parsed.subject() == link.parsed.issuer());
            same.map(|(index, _)| index).collect::<Vec<_>>()
        };
        Ok(Self {
            issuers_of_leaf: issuers_of(&leaf),
            issuers: intermediates.iter().map(issuers_of).collect(),
            leaf,
            leaf_names,
            intermediates,
            left_out,
        })
    }

    /// Checks what does not depend on who issued the leaf: its dates and purposes.
    ///
    /// # Errors
    ///
    /// rustls-webpki's.
    pub(super) fn check_leaf(&self, rules: &Rules<'_>) -> Result<(), Error> {
        let usage = KeyUsage::server_auth();
        let (leaf, time) = (&self.leaf.parsed, rules.time);
        match leaf.verify_for_usage(rules.algorithms, &[], &[], time, usage, None, None) {
            Err(Error::UnknownIssuer) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(Error::BadDer),
        }
    }

    /// Finds a path to one of these roots that holds to the rules, and returns the root.
    ///
    /// # Errors
    ///
    /// What is wrong with the shortest path, or that there is none; foremost, that a root is
    /// what is wrong.
    pub(super) fn verify<'r>(
        &self,
        roots: &'r [Root],
        rules: &Rules<'_>,
        budget: &mut Budget,
    ) -> Result<&'r Root, Failure> {
        let mut by_name: BTreeMap<&[u8], Vec<&'r Root>> = BTreeMap::new();
        for root in roots {
            by_name
                .entry(root.anchor.subject.as_ref())
                .or_default()
                .push(root);
        }
        let mut search = Search {
            presented: self,
            hops: self.hops(&by_name),
            roots: by_name,
            rules,
            budget,
            path: Vec::new(),
            first: None,
            unfit: Cell::new(None),
        };
        for length in 0..=MAX_PATH {
            let found = search.go(&self.leaf, &self.issuers_of_leaf, length);
            if let Some(root) = found.map_err(Failure::Chain)? {
                return Ok(root);
            }
        }
        if let Some(error) = search.unfit.take() {
            return Err(Failure::Root(error));
        }
        let first = search.first.or_else(|| self.left_out.clone());
        Err(Failure::Chain(first.unwrap_or(Error::UnknownIssuer)))
    }

    /// How many intermediates it takes at least from each to a root, itself among them.
    fn hops(&self, roots: &BTreeMap<&[u8], Vec<&Root>>) -> Vec<usize> {
        let mut hops: Vec<_> = self
            .intermediates
            .iter()
            .map(|it| {
                if roots.contains_key(it.parsed.issuer()) {
                    1
                } else {
                    usize::MAX
                }
            })
            .collect();
        for length in 2..=MAX_PATH {
            for index in 0..hops.len() {
                let reached = self.issuers[index].iter().any(|it| hops[*it] == length - 1);
                if hops[index] == usize::MAX && reached {
                    hops[index] = length;
                }
            }
        }
        hops
    }
}

struct Search<'s, 'a, 'r> {
    presented: &'s Presented<'a>,
    hops: Vec<usize>,
    roots: BTreeMap<&'r [u8], Vec<&'r Root>>,
    rules: &'s Rules<'s>,
    budget: &'s mut Budget,
    path: Vec<usize>,
    /// What was wrong with the paths that were tried.
    first: Option<Error>,
    /// What is wrong with the root of a path that is sound up to it.
    unfit: Cell<Option<Error>>,
}

impl<'r> Search<'_, '_, 'r> {
    /// Looks for a path with exactly so many more intermediates.
    fn go(
        &mut self,
        last: &Link<'_>,
        issuers: &[usize],
        more: usize,
    ) -> Result<Option<&'r Root>, Error> {
        Budget::take(
            &mut self.budget.steps,
            1,
            Error::MaximumPathBuildCallsExceeded,
        )?;
        if more == 0 {
            let Some(roots) = self.roots.get(last.parsed.issuer()).cloned() else {
                return Ok(None);
            };
            return match self.attempt(&roots) {
                Ok(root) => Ok(Some(root)),
                Err(
                    error @ (Error::MaximumNameConstraintComparisonsExceeded
                    | Error::MaximumPathBuildCallsExceeded
                    | Error::MaximumSignatureChecksExceeded),
                ) => Err(error),
                Err(error) => {
                    // A wrong signature often only says that another of that name signed.
                    if matches!(self.first, None | Some(Error::InvalidSignatureForPublicKey)) {
                        self.first = Some(error);
                    }
                    Ok(None)
                }
            };
        }
        let presented = self.presented;
        for index in issuers {
            let link = &presented.intermediates[*index];
            let is_far = self.hops[*index] > more;
            if is_far || self.path.contains(index) || self.is_crowded(link) {
                continue;
            }
            self.path.push(*index);
            let found = self.go(link, &presented.issuers[*index], more - 1)?;
            self.path.pop();
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether a name is on the path more often than an authority's change of keys explains.
    fn is_crowded(&self, link: &Link<'_>) -> bool {
        let path = self.path.iter();
        let same = path.filter(|index| {
            self.presented.intermediates[**index].parsed.subject() == link.parsed.subject()
        });
        same.count() >= MAX_OF_ONE_NAME
    }

    fn attempt(&mut self, roots: &[&'r Root]) -> Result<&'r Root, Error> {
        let path = self.path.iter();
        let path: Vec<_> = path.map(|it| &self.presented.intermediates[*it]).collect();
        self.pay(&path, roots)?;
        let intermediates: Vec<_> = path.iter().map(|link| link.der.clone()).collect();
        let anchors: Vec<TrustAnchor<'_>> = roots.iter().map(|it| it.anchor.clone()).collect();
        let found = self.presented.leaf.parsed.verify_for_usage(
            self.rules.algorithms,
            &anchors,
            &intermediates,
            self.rules.time,
            KeyUsage::server_auth(),
            None,
            Some(&|found| self.check(found, roots).map(|_| ())),
        )?;
        self.check(&found, roots)
    }

    /// Takes what an attempt costs at most from the budget, before it costs anything.
    fn pay(&mut self, path: &[&Link<'_>], roots: &[&Root]) -> Result<(), Error> {
        let signatures = (path.len() + 1) * roots.len();
        let error = Error::MaximumSignatureChecksExceeded;
        Budget::take(&mut self.budget.signatures, signatures, error)?;
        let mut names = self.presented.leaf.names;
        let mut comparisons = 0_usize;
        for link in path {
            comparisons = comparisons.saturating_add(link.constraints.count.saturating_mul(names));
            names += link.names;
        }
        for root in roots {
            comparisons = comparisons.saturating_add(root.constraints.count.saturating_mul(names));
        }
        let error = Error::MaximumNameConstraintComparisonsExceeded;
        Budget::take(&mut self.budget.comparisons, comparisons, error)
    }

    /// What rustls-webpki leaves out, for a path that it found good.
    fn check(&self, found: &VerifiedPath<'_>, roots: &[&'r Root]) -> Result<&'r Root, Error> {
        let names = &self.presented.leaf_names;
        let mut length = 0;
        for certificate in found.intermediate_certificates() {
            let der = certificate.der();
            let mut links = self.presented.intermediates.iter();
            let link = links.find(|link| *link.der == der).ok_or(Error::BadDer)?;
            link.may_sign.clone()?;
            link.constraints.check(names)?;
            length += 1;
        }
        // A root that was issued anew stands in the list twice, with one name and key.
        let mut error = Error::UnknownIssuer;
        for root in roots.iter().filter(|root| root.anchor == *found.anchor()) {
            root.constraints.check(names)?;
            match root.check(length, self.rules.time) {
                Ok(()) => return Ok(root),
                Err(reason) => {
                    self.unfit.set(Some(reason.clone()));
                    error = reason;
                }
            }
        }
        Err(error)
    }
}

impl<'a> Link<'a> {
    fn read(der: &'a CertificateDer<'a>) -> Result<Self, Error> {
        let read = EndEntityCert::try_from(der)?;
        let (_, parsed) = X509Certificate::from_der(der).map_err(|_| Error::BadDer)?;
        let alternative = parsed
            .subject_alternative_name()
            .map_err(|_| Error::BadDer)?;
        Ok(Self {
            der,
            parsed: read,
            constraints: Constraints::read(&parsed)?,
            may_sign: may_sign(&parsed),
            // The subject is one more.
            names: 1 + alternative.map_or(0, |it| it.value.general_names.len()),
        })
    }
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self {
            steps: MAX_STEPS,
            signatures: MAX_SIGNATURES,
            comparisons: MAX_COMPARISONS,
        }
    }

    fn take(from: &mut usize, amount: usize, error: Error) -> Result<(), Error> {
        *from = from.checked_sub(amount).ok_or(error)?;
        Ok(())
    }
}

/// The longest honest chains have four.
const MAX_INTERMEDIATES: usize = 128;
/// As in the core, for those who do not come from there.
const MAX_BYTES: usize = 262_144;
/// rustls-webpki's own.
const MAX_PATH: usize = 6;
/// An authority that changes its key signs the new one with the old one: two of one name.
const MAX_OF_ONE_NAME: usize = 3;
/// Each looks at no more than all intermediates.
const MAX_STEPS: usize = 10_000;
/// As rustls-webpki's, but for all paths together.
const MAX_SIGNATURES: usize = 100;
/// As rustls-webpki's, but for all paths together.
const MAX_COMPARISONS: usize = 250_000;
