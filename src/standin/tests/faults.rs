//! Faults and limits, as a client sees them.

use super::*;

#[tokio::test]
async fn every_ending_of_a_cut_stream_is_what_it_says() {
    let claude = start().await;
    let cut = |how| Rule::once(Fault::Cut { after_events: 5, how });
    let events = |raw: &Raw| raw.body.matches("event: ").count();
    for how in [Ending::Clean, Ending::Fin, Ending::Reset, Ending::MidChunk] {
        claude.set_fault(cut(how));
        let raw = message(&claude, STREAM).await;
        let terminated = raw.body.ends_with("0\r\n\r\n");
        assert!(!raw.body.contains("message_stop"), "{how:?}");
        match how {
            Ending::Clean => assert!(raw.end.is_ok() && terminated && events(&raw) == 5, "{}", raw.body),
            Ending::Fin => assert!(raw.end.is_ok() && !terminated && events(&raw) == 5, "{}", raw.body),
            Ending::Reset => assert_eq!(raw.end.as_ref().unwrap_err().kind(), io::ErrorKind::ConnectionReset),
            Ending::MidChunk => assert!(
                raw.end.is_ok() && !terminated && !raw.body.ends_with("\n\n\r\n"),
                "{}",
                raw.body
            ),
        }
        assert_eq!(
            claude.requests().last().unwrap().reply.as_ref().unwrap().ended,
            Ended::Cut,
            "{how:?}"
        );
    }
    let whole = message(&claude, STREAM).await;
    assert!(whole.body.contains("message_stop") && whole.body.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn a_whole_message_can_be_cut_in_its_middle() {
    let claude = start().await;
    claude.set_fault(Rule::once(Fault::Cut {
        after_events: 0,
        how: Ending::Fin,
    }));
    let raw = message(&claude, MESSAGE).await;
    assert!(
        raw.status() == 200
            && raw.body.contains(r#"{"model""#)
            && !raw.body.contains("inference_geo\":\"not_available\"}}"),
        "{}",
        raw.body
    );
}

#[tokio::test]
async fn faults_before_the_reply_leave_no_byte() {
    let claude = start().await;
    claude.set_fault(Rule::once(Fault::Close(Ending::Reset)));
    let reset = message(&claude, MESSAGE).await;
    assert!(reset.head.is_empty() && reset.end.unwrap_err().kind() == io::ErrorKind::ConnectionReset);
    claude.set_fault(Rule::once(Fault::Close(Ending::Fin)));
    let closed = message(&claude, MESSAGE).await;
    assert!(closed.head.is_empty() && closed.end.is_ok());
    claude.set_fault(Rule::once(Fault::Hang));
    assert!(
        tokio::time::timeout(Duration::from_millis(50), message(&claude, MESSAGE))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_error_inside_a_stream_keeps_the_status() {
    let claude = start().await;
    claude.set_fault(Rule::once(Fault::StreamError {
        after_events: 4,
        error: ErrorName::Overloaded,
    }));
    let raw = message(&claude, STREAM).await;
    assert_eq!(raw.status(), 200);
    let id = raw.header("request-id").unwrap();
    assert!(
        raw.body
            .contains(&format!(r#""message":"Overloaded"}},"request_id":"{id}"}}"#)),
        "{}",
        raw.body
    );
}

#[tokio::test]
async fn the_catalogue_is_served_with_the_right_headers() {
    let claude = start().await;
    let served = |name| {
        claude.set_fault(Rule::once(Fault::Error(name)));
        message(&claude, MESSAGE)
    };
    let rate = served(ErrorName::RateLimitInputTokens).await;
    assert_eq!(
        (
            rate.status(),
            rate.class(),
            rate.header("anthropic-ratelimit-input-tokens-remaining")
        ),
        (429, ErrorClass::RateLimit, Some("0"))
    );
    assert_eq!(
        (rate.header("retry-after"), rate.header("x-should-retry")),
        (Some("16"), Some("true"))
    );
    let spend = served(ErrorName::SpendLimitEnforced).await;
    assert_eq!(
        (spend.status(), spend.class(), spend.header("retry-after")),
        (429, ErrorClass::SpendLimitEnforced, None)
    );
    let overloaded = served(ErrorName::Overloaded).await;
    assert_eq!((overloaded.status(), overloaded.class()), (529, ErrorClass::Overloaded));
    assert!(overloaded.header("anthropic-ratelimit-requests-limit").is_none());
    let credit = served(ErrorName::CreditExhausted).await;
    assert_eq!((credit.status(), credit.class()), (400, ErrorClass::CreditExhausted));
    for (page, status, class) in [
        (Page::Forbidden, 403, ErrorClass::EdgeForbidden),
        (Page::Error522, 522, ErrorClass::EdgeUnavailable),
        (Page::Error520, 520, ErrorClass::None),
    ] {
        claude.set_fault(Rule::once(Fault::Edge(page)));
        let raw = message(&claude, MESSAGE).await;
        assert_eq!((raw.status(), raw.header("request-id")), (status, None));
        assert!(raw.header("cf-ray").is_some());
        // Without its HTML (which begins with no brace) a page has no class here.
        assert_eq!(raw.class(), class, "{page:?}");
    }
}

#[tokio::test]
async fn real_limits_are_enforced_and_named() {
    let limits = Limits {
        requests: 1,
        concurrency: Some(1),
        ..Limits::default()
    };
    let config = Config {
        keys: vec![Key {
            limits,
            ..Key::new(TEST_KEY)
        }],
        ..Config::default()
    };
    let claude = Standin::start(config).await.unwrap();
    assert_eq!(message(&claude, MESSAGE).await.status(), 200);
    let limited = message(&claude, MESSAGE).await;
    assert_eq!((limited.status(), limited.header("retry-after")), (429, Some("60")));
    assert!(
        limited
            .body
            .contains("rate limit of 1 requests per minute (org: 6bba1ce2"),
        "{}",
        limited.body
    );
}

#[tokio::test]
async fn one_call_too_many_at_a_time_is_refused() {
    let limits = Limits {
        concurrency: Some(1),
        ..Limits::default()
    };
    let claude = Standin::start(Config {
        keys: vec![Key {
            limits,
            ..Key::new(TEST_KEY)
        }],
        ..Config::default()
    })
    .await
    .unwrap();
    claude.set_fault(Rule::once(Fault::Silence {
        after_events: 1,
        ms: 600_000,
        ping_every_ms: None,
    }));
    let mut first = TcpStream::connect(claude.address()).await.unwrap();
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: c\r\nx-api-key: {TEST_KEY}\r\nanthropic-version: 2023-06-01\r\ncontent-length: {}\r\n\r\n{STREAM}",
        STREAM.len()
    );
    first.write_all(request.as_bytes()).await.unwrap();
    first.read_u8().await.unwrap();
    assert_eq!(message(&claude, MESSAGE).await.class(), ErrorClass::ConcurrencyLimit);
    drop(first);
    while message(&claude, MESSAGE).await.status() != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ended = claude.requests()[0].reply.as_ref().unwrap().ended;
    assert_eq!(ended, Ended::ClientGone);
}

#[tokio::test]
async fn every_error_of_the_catalogue_is_the_class_that_it_claims() {
    use ErrorClass as C;
    use ErrorName as N;
    let claude = start().await;
    let table = [
        (N::KeyRequired, C::KeyRequired),
        (N::KeyInvalid, C::KeyInvalid),
        (N::BearerInvalid, C::BearerInvalid),
        (N::OauthUnsupported, C::OauthUnsupported),
        (N::OauthNotAllowed, C::OauthNotAllowed),
        (N::CredentialsInvalid, C::Unauthenticated),
        (N::CredentialExpired, C::CredentialRevoked),
        (N::OauthExpired, C::CredentialRevoked),
        (N::OauthRevoked, C::CredentialRevoked),
        (N::OrganizationRevoked, C::CredentialRevoked),
        (N::WorkspaceRevoked, C::CredentialRevoked),
        (N::CorsDenied, C::CorsDenied),
        (N::VersionRequired, C::VersionRequired),
        (N::WorkspaceRequired, C::WorkspaceRequired),
        (N::CreditExhausted, C::CreditExhausted),
        (N::OrganizationDisabled, C::OrganizationDisabled),
        (N::OrganizationOnHold, C::OrganizationDisabled),
        (N::SpendLimitOwn, C::SpendLimitOwn),
        (N::SpendLimitWorkspace, C::SpendLimitOwn),
        (N::SpendLimitEnforced, C::SpendLimitEnforced),
        (N::SpendLimitContract, C::SpendLimitEnforced),
        (N::Billing, C::Billing),
        (N::RateLimitRequests, C::RateLimit),
        (N::RateLimitInputTokens, C::RateLimit),
        (N::RateLimitOutputTokens, C::RateLimit),
        (N::Concurrency, C::ConcurrencyLimit),
        (N::Acceleration, C::AccelerationLimit),
        (N::Throttled, C::Throttled),
        (N::ModelNotFound, C::ModelNotFound),
        (N::NotFound, C::NotFound),
        (N::Permission, C::Permission),
        (N::Conflict, C::Conflict),
        (N::PromptTooLong, C::PromptTooLong),
        (N::Internal, C::Internal),
        (N::InternalOverloaded, C::Overloaded),
        (N::Timeout, C::Timeout),
        (N::Overloaded, C::Overloaded),
        (N::OverloadedWithLink, C::Overloaded),
    ];
    let named: std::collections::HashSet<_> = table.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        ErrorName::ALL.iter().filter(|name| !named.contains(name)).count(),
        0,
        "every name has its row"
    );
    for (name, class) in table {
        claude.set_fault(Rule::once(Fault::Error(name)));
        let raw = message(&claude, MESSAGE).await;
        assert_eq!(raw.class(), class, "{name:?}: {}", raw.body);
        assert!(raw.header("request-id").is_some(), "{name:?}");
    }
}

#[tokio::test]
async fn the_documentation_lists_every_error_where_it_belongs_and_its_faults_are_taken() {
    let text = include_str!("../../../docs/stand-in.md");
    let quoted = super::super::errors::Quoted {
        organization: "",
        model: "",
        limits: Limits::default(),
    };
    for name in ErrorName::ALL {
        let status = super::super::errors::ApiError::named(name, quoted).status;
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| {status} |")))
            .unwrap_or_default();
        let word = serde_json::to_value(name).unwrap();
        assert!(
            row.contains(&format!("`{}`", word.as_str().unwrap())),
            "{name:?} in the row of {status}"
        );
    }
    let faults = text
        .lines()
        .filter(|line| line.starts_with("| `{\"") || line.starts_with("| `\"hang"));
    let mut read = 0;
    for fault in faults.flat_map(|line| line.split('|').nth(1).unwrap().split("`, `")) {
        let fault = fault
            .trim()
            .trim_matches('`')
            .replace("NAME", "\"overloaded\"")
            .replace("PAGE", "\"forbidden\"");
        let fault = fault.replace("HOW", "\"fin\"").replace("KIND", "\"html\"");
        let rule: Rule =
            serde_json::from_str(&format!("{{\"fault\": {fault}}}")).unwrap_or_else(|wrong| panic!("{fault}: {wrong}"));
        rule.validate().unwrap();
        read += 1;
    }
    assert_eq!(read, 14, "every row of the table");
}
