//! Reports as servers write them, and whatever else comes into a mailbox.

use proptest::prelude::*;

use super::*;

fn marks() -> Marks {
    Marks::new(b"secret", "zelo.example")
}

/// A report with these fields for its recipients, the part that came back, and headers of its own.
fn report(recipients: &str, returned: &str, headers: &str) -> String {
    let text = format!(
        "From: MAILER-DAEMON@mx.example\nTo: zelo@zelo.example\nAuto-Submitted: auto-replied\n{headers}\
         Content-Type: multipart/report; report-type=\"delivery-status\";\n boundary=b1\nMIME-Version: 1.0\n\n\
         --b1\nContent-Type: text/plain; charset=utf-8\n\nIt could not be delivered.\n\n\
         --b1\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.example\n\n{recipients}\n--b1\n{returned}\n--b1--\n"
    );
    text.replace('\n', "\r\n")
}

fn whole(key: &str) -> String {
    format!("Content-Type: message/rfc822\n\nFrom: z@zelo.example\nMessage-ID: {}\n\nhi\n", marks().id(key))
}

fn headers_only(key: &str) -> String {
    format!("Content-Type: text/rfc822-headers\n\nMessage-ID:\n {}\nSubject: x\n", marks().id(key))
}

const FAILED: &str = "Final-Recipient: rfc822;ana@x.example\nAction: failed\nStatus: 5.1.1\n\
                      Diagnostic-Code: smtp; 550\n 5.1.1 no such mailbox\n";
const EXPIRED: &str =
    "Final-Recipient: rfc822;ana@x.example\nAction: Failed (expired)\nStatus: 4.4.1 (no answer)\n";
const DELAYED: &str = "Final-Recipient: rfc822;ana@x.example\nAction: delayed\nStatus: 4.4.1\n";
const DELIVERED: &str = "Final-Recipient: rfc822;ana@x.example\nAction: delivered\nStatus: 2.0.0\n";

fn bounced(receipt: Receipt, permanent: bool) -> Mail {
    let addresses = if permanent { vec!["ana@x.example".to_owned()] } else { vec![] };
    Mail::Report(Bounce { key: "esc:1".into(), receipt, permanent, addresses })
}

/// Exim says 5.0.0 and leaves the rest to what it was answered.
#[test]
fn a_report_takes_a_mailbox_for_gone_only_where_it_says_so() {
    for (status, answered, gone) in [
        ("5.1.1", "550 5.1.1 no such mailbox", true),
        ("5.0.0", "550 no such mailbox", true),
        ("5.0.0", "550 5.1.1 who?", true),
        ("5.4.4", "no host of this name", true),
        ("5.0.0", "552 5.2.2 over quota", false),
        ("5.2.2", "552 mailbox full", false),
        ("5.0.0", "554 5.7.1 blocked", false),
        ("5.7.1", "550 spam", false),
        ("5.3.4", "552 too long", false),
        ("4.2.2", "452 full", false),
    ] {
        let group = format!(
            "Original-Recipient: rfc822;Ana@X.example\nFinal-Recipient: rfc822; <eva@y.example>\nAction: failed\n\
             Status: {status}\nDiagnostic-Code: smtp; {answered}\n"
        );
        let mail = report(&group, &whole("esc:1"), "");
        let Mail::Report(bounce) = read(mail.as_bytes(), &marks()) else { panic!("{mail}") };
        assert_eq!((bounce.receipt, bounce.permanent), (Receipt::Undeliverable, gone), "{status} {answered}");
        let named: &[&str] = if gone { &["ana@x.example", "eva@y.example"] } else { &[] };
        assert_eq!(bounce.addresses, named);
    }
}

#[test]
fn a_report_tells_which_message_what_and_for_how_long() {
    let both = format!("{DELIVERED}\n{FAILED}");
    let twice = format!("{EXPIRED}\n{FAILED}");
    for (recipients, expected) in [
        (FAILED, bounced(Receipt::Undeliverable, true)),
        (EXPIRED, bounced(Receipt::Undeliverable, false)),
        (DELIVERED, bounced(Receipt::Delivered, false)),
        (DELAYED, Mail::Other),
        (both.as_str(), bounced(Receipt::Undeliverable, true)),
        (twice.as_str(), bounced(Receipt::Undeliverable, true)),
        ("Nothing: here\n", Mail::Broken),
    ] {
        for returned in [whole("esc:1"), headers_only("esc:1")] {
            let mail = report(recipients, &returned, "");
            assert_eq!(read(mail.as_bytes(), &marks()), expected, "{mail}");
        }
    }
}

#[test]
fn a_report_without_the_message_is_known_by_what_it_answers() {
    let answers = format!("In-Reply-To: {}\n", marks().id("esc:1"));
    let mail = report(FAILED, "Content-Type: text/plain\n\ncut\n", &answers);
    assert_eq!(read(mail.as_bytes(), &marks()), bounced(Receipt::Undeliverable, true));
}

#[test]
fn what_is_no_report_on_a_message_of_ours_is_left_alone() {
    let forged = Marks::new(b"guess", "zelo.example").id("esc:1");
    let absent =
        format!("From: a@b.c\nAuto-Submitted: auto-replied\nIn-Reply-To: {}\n\nFérias!\n", marks().id("x"));
    let read_receipt =
        report(FAILED, &whole("esc:1"), "").replace("delivery-status\"", "disposition-notification\"");
    for mail in [
        report(FAILED, &format!("Content-Type: message/rfc822\n\nMessage-ID: {forged}\n\nhi\n"), ""),
        report(FAILED, "Content-Type: text/rfc822-headers\n\nMessage-ID: <1@other.example>\n", ""),
        absent,
        read_receipt,
        "From: a@b.c\nSubject: Olá\n\nTudo bem?\n".to_owned(),
    ] {
        assert_eq!(read(mail.as_bytes(), &marks()), Mail::Other, "{mail}");
    }
    assert_eq!(read(b"", &marks()), Mail::Broken);
}

proptest! {
    #[test]
    fn noise_is_read_without_a_fall(noise in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(!matches!(read(&noise, &marks()), Mail::Report(_)));
    }

    /// A report that was cut, bent or joined says the truth or nothing.
    #[test]
    fn a_damaged_report_never_names_another_message(
        cut in 0_usize..1_200,
        changes in proptest::collection::vec((0_usize..1_200, any::<u8>()), 0..8),
        swap in any::<bool>(),
    ) {
        let returned = if swap { whole("esc:1") } else { headers_only("esc:1") };
        let mut mail = report(FAILED, &returned, "").into_bytes();
        let length = mail.len();
        for (at, byte) in changes {
            mail[at % length] = byte;
        }
        mail.truncate(cut.max(1));
        if let Mail::Report(bounce) = read(&mail, &marks()) {
            prop_assert_eq!(bounce.key, "esc:1");
        }
    }
}
