//! Random trees and random texts.

use proptest::prelude::*;
use whimbrel_core::split::Lexer;

use super::super::node::{LikeKind, Truth};
use super::super::{Expr, Node, parse, print};

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        Just(Node::Null),
        any::<bool>().prop_map(Node::Bool),
        (-20_i32..20).prop_map(|n| Node::Number(n.to_string())),
        "[a-c' \\\\\n]{0,4}".prop_map(Node::Text),
        prop_oneof![Just("a"), Just("b"), Just("order"), Just("Mixed"), Just("say \"x\"")].prop_map(Node::column),
        Just(Node::Keyword("CURRENT_DATE".to_owned())),
        Just(Node::Exists("SELECT 1".to_owned())),
        Just(Node::Query("SELECT 1".to_owned())),
        Just(Node::Literal("X'00'".to_owned())),
    ]
}

fn operator() -> impl Strategy<Value = String> {
    const OPERATORS: &[&str] = &[
        "=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "->", "->>", "&", "|", "<<", ">>", "^", "@>",
        "#>>", "~", "~*",
    ];
    prop::sample::select(OPERATORS).prop_map(str::to_owned)
}

fn node() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(5, 40, 4, |inner| {
        let one = inner.clone().prop_map(Box::new).boxed();
        let list = prop::collection::vec(inner.clone(), 1..4).boxed();
        prop_oneof![
            4 => (operator(), one.clone(), one.clone()).prop_map(|(op, a, b)| Node::Binary(op, a, b)),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Node::And),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Node::Or),
            1 => one.clone().prop_map(Node::Not),
            1 => (prop_oneof![Just("-"), Just("~"), Just("@")], one.clone())
                .prop_map(|(op, a)| Node::Unary(op.to_owned(), a)),
            1 => (one.clone(), any::<bool>(), prop_oneof![Just(Truth::Null), Just(Truth::True), Just(Truth::Unknown)])
                .prop_map(|(expr, negated, what)| Node::Is { expr, negated, what }),
            1 => (one.clone(), one.clone(), any::<bool>())
                .prop_map(|(left, right, negated)| Node::Distinct { left, right, negated }),
            1 => (one.clone(), list.clone(), any::<bool>())
                .prop_map(|(expr, list, negated)| Node::In { expr, list, negated }),
            1 => (one.clone(), one.clone(), prop::option::of(one.clone()), any::<bool>()).prop_map(
                |(expr, pattern, escape, negated)| Node::Like { kind: LikeKind::Like, expr, pattern, escape, negated }
            ),
            1 => (operator(), one.clone(), any::<bool>(), one.clone())
                .prop_map(|(op, left, all, right)| Node::Quantified { op, left, all, right }),
            1 => (prop::option::of(one.clone()), inner.clone(), inner.clone(), prop::option::of(one.clone())).prop_map(
                |(operand, when, then, otherwise)| Node::Case { operand, branches: vec![(when, then)], otherwise }
            ),
            1 => (one.clone(), prop_oneof![Just("text"), Just("numeric(10, 2)"), Just("text[]"), Just("timestamptz(3)")])
                .prop_map(|(expr, ty)| Node::Cast { expr, ty: ty.to_owned() }),
            1 => (prop_oneof![Just("lower"), Just("overlay"), Just("coalesce")], list.clone())
                .prop_map(|(name, args)| Node::call(name, args)),
            // No other number of arguments has a text.
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| Node::call("position", vec![a, b])),
            1 => list.clone().prop_map(Node::Array),
            1 => list.prop_map(Node::Row),
            1 => one.clone().prop_map(|a| Node::Extract("year".to_owned(), a)),
            1 => (one.clone(), one.clone(), prop::option::of(one.clone())).prop_map(|(a, b, c)| Node::Subscript(a, b, c)),
            1 => one.clone().prop_map(|a| Node::Collate(a, "\"C\"".to_owned())),
            1 => (one.clone(), one).prop_map(|(a, b)| Node::AtTimeZone(a, b)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn a_canonical_text_reads_back_to_its_tree(node in node()) {
        let expr = Expr::from_node(node);
        let read = expr.node();
        prop_assert!(read.is_some(), "not read: {expr}");
        let read = read.unwrap_or(Node::Null);
        prop_assert_eq!(print::print(&read), expr.as_str());
        prop_assert_eq!(&Expr::from_node(read.clone()), &expr);
        // Where SQLite's reader takes the text at all, it sees the same.
        if let Ok(other) = parse::parse(Lexer::Sqlite, expr.as_str()) {
            prop_assert_eq!(other, read, "{}", expr);
        }
    }

    #[test]
    fn printing_keeps_the_tree(node in node()) {
        // Trees that no text gives are brought into a form that one gives first.
        let tree = parse::parse(Lexer::Postgres, &print::print(&node));
        prop_assert!(tree.is_ok(), "not read: {}", print::print(&node));
        let tree = tree.unwrap_or(Node::Null);
        prop_assert_eq!(parse::parse(Lexer::Postgres, &print::print(&tree)), Ok(tree));
    }

    #[test]
    fn any_text_gives_an_expression_that_stays(text in "[a-c0-9 '\"()\\[\\],.:+*/<>=!~|&?$;-]{0,24}") {
        for lexer in [Lexer::Postgres, Lexer::Sqlite] {
            let expr = Expr::parse(&text, lexer);
            prop_assert_eq!(Expr::parse(expr.as_str(), lexer), expr);
        }
    }

    #[test]
    fn keywords_in_any_order_give_an_expression_that_stays(words in prop::collection::vec(prop::sample::select(
        &["a", "not", "in", "(", ")", ",", "case", "when", "then", "else", "end", "is", "null", "between", "and", "or",
          "cast", "as", "int", "::", "array", "[", "]", "any", "=", "'x'", "1", "-", "distinct", "from", "like",
          "at", "time", "zone", "extract", "trim", "select", "exists", "collate", "e'\\n'", "interval", "1e3", "."][..],
    ), 0..14)) {
        let text = words.join(" ");
        for lexer in [Lexer::Postgres, Lexer::Sqlite] {
            let expr = Expr::parse(&text, lexer);
            prop_assert_eq!(Expr::parse(expr.as_str(), lexer), expr);
        }
    }
}
