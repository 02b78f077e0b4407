use serde_json::{Value, json};

use super::{DRIVERS, OWN, check};

/// A workspace that keeps the rules, with one more dependency of one package.
fn metadata(package: &str, more: Option<(&str, Option<&str>)>) -> Value {
    let packages = OWN.iter().map(|(name, may)| {
        let mut uses: Vec<Value> = may.iter().map(|used| json!({"name": used, "kind": null})).collect();
        uses.push(json!({"name": "tracing", "kind": null}));
        if *name == package {
            uses.extend(more.map(|(used, kind)| json!({"name": used, "kind": kind})));
        }
        json!({"name": name, "dependencies": uses})
    });
    json!({"packages": packages.collect::<Vec<_>>()})
}

#[test]
fn dependencies_point_one_way() {
    assert_eq!(check(&metadata("whimbrel-cli", None)), Ok(()));
    for (package, used) in [("whimbrel-cli", "whimbrel-core"), ("whimbrel-core", "whimbrel-macros")] {
        let failure = check(&metadata(package, Some((used, None)))).err().unwrap_or_default();
        assert!(failure.contains(&format!("{package} depends on {used}")), "{failure}");
        assert!(check(&metadata(package, Some((used, Some("build"))))).is_err(), "a build script is no exception");
        assert_eq!(check(&metadata(package, Some((used, Some("dev"))))), Ok(()), "what tests use is another matter");
    }
}

#[test]
fn what_a_feature_asks_for_is_optional() {
    for (optional, holds) in [(true, true), (false, false)] {
        let mut metadata = metadata("", None);
        let packages = metadata["packages"].as_array_mut().into_iter().flatten();
        for package in packages.filter(|package| package["name"] == "whimbrel-backend-sqlite") {
            let uses = json!([{"name": "whimbrel-core"}, {"name": "whimbrel-schema", "optional": optional}]);
            package["dependencies"] = uses;
        }
        let schema = json!({"name": "whimbrel-schema", "dependencies": [{"name": "whimbrel-core"}]});
        metadata["packages"].as_array_mut().into_iter().for_each(|packages| packages.push(schema.clone()));
        assert_eq!(check(&metadata).is_ok(), holds, "optional: {optional}");
    }
}

#[test]
fn only_backends_use_drivers() {
    for driver in DRIVERS {
        assert!(check(&metadata("whimbrel-cli", Some((driver, None)))).is_err(), "{driver}");
        assert_eq!(check(&metadata("whimbrel-backend-sqlite", Some((driver, None)))), Ok(()), "{driver}");
    }
}

#[test]
fn a_rule_about_a_package_that_is_gone_says_so() {
    let failure = check(&json!({"packages": []})).err().unwrap_or_default();
    assert!(failure.contains("there is no package whimbrel-cli"), "{failure}");
}

#[test]
fn the_workspace_keeps_the_rules() {
    assert_eq!(super::super::metadata().and_then(|metadata| check(&metadata)), Ok(()));
}
