//! `octo-auth ip`: answers on standard output, and exit codes for scripts.

use crate::program::{Ran, file, program, run, run_with_input};

const RULES: &str = "10.0.0.0/9 # Rome\r\n10.128.0.0/9\n\n192.0.2.7\n";

#[test]
fn a_check_prints_one_word_and_its_exit_code_is_the_answer() {
    let rules = file("ip-check.txt", RULES);
    for (address, word, code) in
        [("10.1.2.3", "permitted\n", 0), ("::ffff:192.0.2.7", "permitted\n", 0), ("192.0.2.8", "denied\n", 1)]
    {
        let ran = run(&["ip", "check", address, "--rules", &rules]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(code), word, ""), "{address}");
    }
}

#[test]
fn an_explanation_names_the_rules_as_written_with_their_lines() {
    let rules = file("ip-explain.txt", RULES);
    let ran = run(&["ip", "explain", "10.1.2.3", "--rules", &rules]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "permitted\n  by line 1: 10.0.0.0/9\n"));
    let ran = run(&["ip", "explain", "192.0.2.8", "--rules", &rules]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("line 4: 192.0.2.7, which ends at 192.0.2.7, 1 address away"), "{}", ran.out);
}

#[test]
fn the_minimal_list_is_a_list_again() {
    let ran = run(&["ip", "minimal", "--rules", &file("ip-minimal.txt", RULES)]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "10.0.0.0/8\n192.0.2.7/32\n"));
    let again = run_with_input(&ran.out, &["ip", "minimal", "--rules", "-"]);
    assert_eq!(again.out, ran.out);
    let json = run_with_input("[\"10.0.0.0/8\"]", &["ip", "minimal", "--rules", "-"]);
    assert_eq!(json.out, "10.0.0.0/8\n");
}

#[test]
fn a_difference_names_the_rules_that_open_and_close_and_its_exit_code_whether_there_is_one() {
    let old = file("ip-old.txt", RULES);
    let new = file("ip-new.txt", "10.0.0.0/8\n192.0.2.6/31\n192.0.2.8\n2001:db8::/32\n");
    let ran = run(&["ip", "diff", &old, &new]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            Some(1),
            "opens about 2^96 addresses and closes 0 addresses\n\
             + line 4: 2001:db8::/32 opens 2^96 addresses\n\
             + line 2: 192.0.2.6/31 opens 1 address: 192.0.2.6/32\n\
             + line 3: 192.0.2.8 opens 1 address\n"
        )
    );
    let ran = run(&["ip", "diff", &new, &old, "--blocks"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "- 192.0.2.6/32\n- 192.0.2.8/32\n- 2001:db8::/32\n"));
    let ran = run(&["ip", "diff", &old, &old]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
}

#[test]
fn what_a_wide_rule_opens_between_many_narrow_ones_is_one_line() {
    let many: String = (0..5000).map(|place| format!("10.0.{}.{}\n", place / 128, place % 128 * 2)).collect();
    let old = file("ip-many.txt", &many);
    let new = file("ip-many-new.txt", &format!("{many}10.0.0.0/16\n"));
    let ran = run(&["ip", "diff", &old, &new]);
    assert!(ran.out.starts_with("opens 60,536 addresses and closes 0 addresses\n"), "{}", ran.out);
    assert!(
        ran.out.contains("+ line 5001: 10.0.0.0/16 opens 60,536 addresses: 10.0.0.1/32, "),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.lines().count(), 2);
    let ran = run(&["ip", "diff", &new, &file("ip-none.txt", "")]);
    assert!(ran.out.contains("- and 4981 rules more"), "{}", ran.out);
    let explained =
        run(&["ip", "explain", "10.0.0.2", "--rules", &file("ip-same.txt", &"10.0.0.0/9\n".repeat(5000))]);
    assert!(
        explained.out.contains("by line 10: ") && explained.out.ends_with("and by 4990 rules more\n"),
        "{}",
        explained.out
    );
}

#[test]
fn a_list_that_is_wrong_names_every_bad_line_and_is_no_answer() {
    let rules = file("ip-wrong.txt", "10.0.0.5/8\n192.0.2.1\n010.0.0.1\n");
    run(&["ip", "check", "192.0.2.1", "--rules", &rules])
        .failed(3, &["ip-wrong.txt", "line 1, at byte 8", "10.0.0.0/8 or 10.0.0.5/32", "line 3, at byte 0"]);
    run(&["ip", "check", "192.0.2.1", "--rules", "no-such-list.txt"])
        .failed(3, &["cannot be read", "because"]);
    run_with_input("[\"10.0.0.0/8\", \"x\"]", &["ip", "minimal", "--rules", "-"]).failed(3, &["element 2"]);
    run_with_input("[\"10.0.0.0/8\"", &["ip", "minimal", "--rules", "-"]).failed(3, &["line 1, column"]);
    run_with_input("[::1]", &["ip", "minimal", "--rules", "-"]).failed(3, &["probably meant: ::1"]);
    run(&["ip", "check", "192.0.2.1", "--rules", "a\r\n\u{1b}[2J\u{202e}.txt"])
        .failed(3, &["a\\r\\n\\u{1b}[2J\\u{202e}.txt: the list cannot be read"]);
    run(&["ip", "diff", "-", "-"]).failed(2, &["standard input"]);
    run(&["ip", "check", "10.1", "--rules", &rules]).failed(2, &["<ADDR> is no IPv4 or IPv6 address"]);
}

#[test]
fn a_rule_for_every_address_needs_a_flag_and_ipv6_can_be_refused() {
    let any = file("ip-any.txt", "0.0.0.0/0\n");
    run(&["ip", "check", "192.0.2.1", "--rules", &any]).failed(3, &["permits every address", "--any"]);
    assert_eq!(run(&["ip", "check", "192.0.2.1", "--rules", &any, "--any"]).code, Some(0));
    let v6 = file("ip-v6.txt", "2001:db8::/32\n");
    assert_eq!(run(&["ip", "check", "2001:db8::1", "--rules", &v6]).code, Some(0));
    run(&["ip", "check", "2001:db8::1", "--rules", &v6, "--ipv4-only"]).failed(3, &["IPv4 only"]);
}

#[test]
fn a_list_of_the_addresses_one_calls_from_holds_none_that_a_peer_never_sees() {
    let list = file("ip-egress.txt", "192.0.2.7\n10.0.0.0/8\n192.168.1.1\nfc00::/7\n");
    for task in [&["check", "192.0.2.7"][..], &["explain", "192.0.2.7"], &["minimal"]] {
        let arguments = [&["ip"], task, &["--rules", &list]].concat();
        assert_eq!(run(&arguments).code, Some(0));
        run(&[&arguments[..], &["--egress"]].concat())
            .failed(3, &["line 2", "line 3", "line 4", "a peer across the Internet never sees this address"]);
    }
    run(&["ip", "diff", &list, &list, "--egress"]).failed(3, &["line 2"]);
    let v6 = file("ip-egress-v6.txt", "2001:db8::1\n");
    run(&["ip", "minimal", "--rules", &v6, "--egress", "--ipv4-only"]).failed(3, &["IPv4 only"]);
}

#[test]
fn a_list_may_stand_in_one_line_in_a_variable_and_a_missing_variable_is_no_list() {
    let run = |list: &str, task: &[&str]| {
        let arguments = [&["ip"], task, &["--rules-env", "ALLOWED_CALLERS"]].concat();
        Ran::from(program(&arguments).env("ALLOWED_CALLERS", list).output().expect("the program starts"))
    };
    let minimal = run("10.0.0.0/9, 10.128.0.0/9 192.0.2.7", &["minimal"]);
    assert_eq!((minimal.code, minimal.out.as_str()), (Some(0), "10.0.0.0/8\n192.0.2.7/32\n"));
    assert_eq!(run("10.0.0.0/8", &["check", "10.1.2.3"]).code, Some(0));
    assert_eq!(run("", &["check", "10.1.2.3"]).code, Some(1));
    run("10.0.0.0/8, 10.0.0.5/8,,x", &["check", "10.1.2.3"]).failed(
        3,
        &[
            "ALLOWED_CALLERS",
            "rule 2, at byte 20",
            "10.0.0.0/8 or 10.0.0.5/32",
            "rule 3, at byte 23",
            "rule 4, at byte 24",
        ],
    );
    let unset = program(&["ip", "check", "10.1.2.3", "--rules-env", "NO_SUCH_LIST"]).output();
    Ran::from(unset.expect("the program starts")).failed(3, &["NO_SUCH_LIST", "cannot be read", "not found"]);
    for arguments in [&["--rules-env", "A", "--rules", "a.txt"][..], &[]] {
        let arguments = [&["ip", "check", "10.1.2.3"], arguments].concat();
        Ran::from(program(&arguments).output().expect("the program starts")).failed(2, &["--rules"]);
    }
}
