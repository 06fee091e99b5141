//! What accounts may do, against a way to find it out that knows nothing of adding up.

use proptest::prelude::*;

use super::*;
use crate::sql::parser::ast::RoutineKind;

fn permission(privileges: Privileges) -> Permission {
    Permission { privileges, ..Permission::default() }
}

fn table(database: &str, name: &str) -> Level {
    Level::Table(database.to_owned(), name.to_owned())
}

#[test]
fn grants_are_shown_as_mysql_shows_them() {
    let mut grants = Grants::default();
    let to = AccountName::new("u", "%");
    let select = Privileges::from(Privilege::Select);
    assert_eq!(shown_grants(&to, &grants), ["GRANT USAGE ON *.* TO `u`@`%`"]);
    grants.grant(&Level::Global, &permission(select | Privilege::Process.into()));
    let all = permission(Privileges::OF_DATABASE.without(Privileges::GRANT));
    grants.grant(&Level::Database("app".into()), &Permission { grantable: true, ..all });
    let columns = vec![("a".to_owned(), select), ("b".to_owned(), select)];
    let on_columns = Permission { columns, ..permission(Privilege::Insert.into()) };
    grants.grant(&table("app", "t"), &on_columns);
    let level = Level::Routine(RoutineKind::Function, "app".into(), "f".into());
    grants.grant(&level, &permission(Privilege::Execute.into()));
    grants.grant_role(&AccountName::new("r", "%"), false);
    grants.grant_role(&AccountName::new("s", "%"), false);
    let dynamic =
        Permission { dynamic: vec!["ROLE_ADMIN", "SYSTEM_USER"], ..Permission::default() };
    grants.grant(&Level::Global, &dynamic);
    let shown = [
        "GRANT SELECT, PROCESS ON *.* TO `u`@`%`",
        "GRANT ROLE_ADMIN,SYSTEM_USER ON *.* TO `u`@`%`",
        "GRANT ALL PRIVILEGES ON `app`.* TO `u`@`%` WITH GRANT OPTION",
        "GRANT SELECT (`a`, `b`), INSERT ON `app`.`t` TO `u`@`%`",
        "GRANT EXECUTE ON FUNCTION `app`.`f` TO `u`@`%`",
        "GRANT `r`@`%`,`s`@`%` TO `u`@`%`",
    ];
    assert_eq!(shown_grants(&to, &grants), shown);
    let stored = serde_json::to_string(&grants).unwrap();
    assert_eq!(serde_json::from_str::<Grants>(&stored).unwrap(), grants);
    grants.revoke_all();
    assert_eq!(
        shown_grants(&to, &grants),
        [shown[0].replace("SELECT, PROCESS", "USAGE"), shown[5].to_owned()]
    );
}

#[test]
fn what_is_revoked_has_to_be_there() {
    let mut grants = Grants::default();
    let select = permission(Privilege::Select.into());
    assert!(!grants.revoke(&Level::Database("app".into()), &select));
    assert!(!grants.revoke(&table("app", "t"), &select));
    grants.grant(&table("app", "t"), &permission(Privilege::Insert.into()));
    assert!(grants.revoke(&table("app", "t"), &select));
    assert!(grants.revoke(&table("app", "t"), &permission(Privilege::Insert.into())));
    assert_eq!(grants, Grants::default());
}

#[test]
fn everything_asks_nothing() {
    assert!(Rights::everything().is_everything());
    let mut grants = Grants::everything();
    grants.revoke(&Level::Global, &permission(Privilege::Shutdown.into()));
    let rights = Rights::of(&AccountName::default(), &[], &|_| Some(&grants));
    assert!(!rights.is_everything());
}

#[test]
fn roles_in_a_circle_end() {
    let names = [AccountName::new("a", "%"), AccountName::new("b", "%")];
    let mut grants = [Grants::default(), Grants::default()];
    grants[0].grant_role(&names[1], false);
    grants[1].grant_role(&names[0], false);
    grants[1].grant(&Level::Global, &permission(Privilege::Select.into()));
    let find = |name: &AccountName| names.iter().position(|one| one == name).map(|at| &grants[at]);
    assert!(Rights::of(&names[0], &[], &find).global().is_empty());
    let with = Rights::of(&names[0], &names[1..], &find);
    assert!(with.global().contains(Privilege::Select));
}

const PATTERNS: [&str; 4] = ["a", "b", "_", "%"];
const TABLES: [&str; 2] = ["t", "u"];

/// Grants of three accounts: what on which level, and which role.
fn world() -> impl Strategy<Value = Vec<Grants>> {
    let level = prop_oneof![
        Just(Level::Global),
        (0..4_usize).prop_map(|at| Level::Database(PATTERNS[at].to_owned())),
        (0..2_usize, 0..2_usize).prop_map(|(d, t)| table(PATTERNS[d], TABLES[t])),
    ];
    let privilege =
        prop_oneof![Just(Privilege::Select), Just(Privilege::Insert), Just(Privilege::Drop)];
    let one =
        (prop::collection::vec((level, privilege), 0..5), prop::collection::vec(0..3_u8, 0..2));
    prop::collection::vec(one, 3).prop_map(|accounts| {
        let build = |(given, roles): (Vec<(Level, Privilege)>, Vec<u8>)| {
            let mut grants = Grants::default();
            for (level, privilege) in given {
                grants.grant(&level, &permission(privilege.into()));
            }
            roles.iter().for_each(|role| grants.grant_role(&name(*role), false));
            grants
        };
        accounts.into_iter().map(build).collect()
    })
}

fn name(at: u8) -> AccountName {
    AccountName::new(&at.to_string(), "%")
}

/// Whether an account has a privilege on a table, by looking at one grant after the other.
fn naive(world: &[Grants], at: u8, depth: u8, on: (&str, &str), wanted: Privilege) -> bool {
    let grants = &world[usize::from(at)];
    let best = ["a", "b", "%", "_"]
        .into_iter()
        .filter(|pattern| *pattern == on.0 || pattern.len() == 1 && "_%".contains(pattern))
        .find_map(|pattern| grants.databases.get(pattern));
    grants.global.contains(wanted)
        || best.is_some_and(|one| one.contains(wanted))
        || grants
            .tables
            .get(on.0)
            .and_then(|tables| tables.get(on.1))
            .is_some_and(|one| one.table.contains(wanted))
        || depth > 0
            && grants
                .roles
                .iter()
                .any(|one| naive(world, one.role.user.parse().unwrap(), depth - 1, on, wanted))
}

proptest! {
    #[test]
    fn what_is_added_up_is_what_is_granted(world in world()) {
        let find = |name: &AccountName| world.get(name.user.parse::<usize>().unwrap());
        let roles: Vec<AccountName> = world[0].roles.iter().map(|one| one.role.clone()).collect();
        let rights = Rights::of(&name(0), &roles, &find);
        for database in ["a", "b", "c"] {
            for table in TABLES {
                for wanted in [Privilege::Select, Privilege::Insert, Privilege::Drop] {
                    let expected = naive(&world, 0, 4, (database, table), wanted);
                    prop_assert_eq!(rights.table(database, table).contains(wanted), expected);
                }
            }
        }
    }
}
