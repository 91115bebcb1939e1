use super::*;
use crate::trust_store::nss::NssDatabase;

struct Home {
    directory: tempfile::TempDir,
    paths: Paths,
    /// The end of the authority that was made at first.
    end: SystemTime,
}

impl Home {
    /// One store trusts the authority, another does not.
    fn new() -> (Self, [Rc<dyn TrustStore>; 2]) {
        let directory = tempfile::tempdir().unwrap();
        let paths = Paths::at(directory.path().join("data"));
        let names = ["fritz.box".to_owned()];
        let authority = Authority::create(&paths, &names, SystemTime::now()).unwrap();
        let stores = ["trusts", "does not"].map(|name| -> Rc<dyn TrustStore> {
            Rc::new(NssDatabase::at(&directory.path().join(name)))
        });
        stores[0].add(authority.root()).unwrap();
        stores[1].add(authority.root()).unwrap();
        stores[1].remove(&stores[1].entries().unwrap()[0]).unwrap();
        let end = authority.expires();
        (
            Self {
                directory,
                paths,
                end,
            },
            stores,
        )
    }

    fn before_the_end(&self, days: u32) -> SystemTime {
        self.end - days * DAY
    }

    fn root(&self) -> Vec<u8> {
        fs::read(self.paths.root_certificate()).unwrap()
    }

    fn files(&self) -> usize {
        fn count(directory: &Path) -> usize {
            let entries = fs::read_dir(directory)
                .unwrap()
                .map(|it| it.unwrap().path());
            entries
                .map(|it| if it.is_dir() { count(&it) } else { 1 })
                .sum()
        }
        count(&self.directory.path().join("data"))
    }
}

#[test]
fn it_follows_itself_where_it_is_trusted_and_nowhere_else() {
    let (home, stores) = Home::new();
    let renew = |days| renew_in(&home.paths, &stores, home.before_the_end(days)).unwrap();
    let names = || stores.each_ref().map(|it| it.entries().unwrap().len());
    let (first, files) = (home.root(), home.files());

    assert_eq!(renew(100), Renewal::NotDue);
    assert_eq!((names(), home.files()), ([1, 0], files));
    assert_eq!(renew(59), Renewal::Prepared);
    assert_eq!(names(), [2, 0], "who took it out does not get the next one");
    let next = next(&home.paths, home.before_the_end(59)).unwrap();
    assert_eq!(
        next.local_names(),
        ["fritz.box"],
        "the same names, no others"
    );
    assert_eq!(renew(58), Renewal::Prepared, "the same one");
    assert_eq!((names(), home.root()), ([2, 0], first.clone()));

    assert_eq!(renew(29), Renewal::Succeeded);
    let authority = Authority::load(&home.paths, home.before_the_end(29)).unwrap();
    assert_eq!(authority.root(), next.root());
    assert!(authority.expires() > home.end);
    assert!(
        stores[0]
            .entries()
            .unwrap()
            .iter()
            .any(|it| it.is(authority.root()))
    );
    assert_eq!(
        names(),
        [2, 0],
        "a browser that runs still needs the old one"
    );
    assert_eq!(welcome(&home.paths, home.before_the_end(29)).len(), 1);
}

#[test]
fn the_old_root_goes_when_browsers_had_time_to_start_anew() {
    let (home, stores) = Home::new();
    let at = home.before_the_end(29);
    assert_eq!(
        renew_in(&home.paths, &stores, at).unwrap(),
        Renewal::Succeeded
    );
    // It was written just now, by the clock of the file system.
    let soon = SystemTime::now() + 6 * DAY;
    let later = SystemTime::now() + 8 * DAY;
    let left = || stores[0].entries().unwrap().len();
    // The new one began only before the end of the old one.
    fs::write(
        home.paths.root_before(),
        fs::read(home.paths.root_before()).unwrap(),
    )
    .unwrap();
    assert_eq!(end(&home.paths, &stores, soon).unwrap(), Renewal::NotDue);
    assert_eq!(left(), 2);
    assert_eq!(end(&home.paths, &stores, later).unwrap(), Renewal::Ended);
    assert_eq!(left(), 1);
    assert!(!home.paths.root_before().exists());
    assert_eq!(end(&home.paths, &stores, later).unwrap(), Renewal::NotDue);
}

#[test]
fn one_that_ended_meanwhile_is_followed_by_what_was_prepared() {
    let (home, stores) = Home::new();
    let at = home.before_the_end(40);
    assert_eq!(
        renew_in(&home.paths, &stores, at).unwrap(),
        Renewal::Prepared
    );
    let after = home.end + 10 * DAY;
    assert_eq!(
        renew_in(&home.paths, &stores, after).unwrap(),
        Renewal::Succeeded
    );
    Authority::load(&home.paths, after).unwrap();
    // Without anything prepared, only the person can help.
    let (home, stores) = Home::new();
    assert!(renew_in(&home.paths, &stores, home.end + 10 * DAY).is_err());
    assert_eq!(stores[0].entries().unwrap().len(), 1);
}

#[test]
fn a_store_that_refuses_holds_it_up_but_not_for_ever() {
    let (home, stores) = Home::new();
    let database = stores[0].location().join("cert9.db");
    fs::write(&database, "damaged").unwrap();
    let renew = |days| renew_in(&home.paths, &stores, home.before_the_end(days));
    renew(50).unwrap_err();
    renew(20).unwrap_err();
    let first = home.root();
    assert_eq!(renew(2).unwrap(), Renewal::Succeeded);
    assert_ne!(home.root(), first);
}
