//! Alerts on their way: retries, refusals, and what the next run does about them.

use crate::servers::Server;
use crate::{Project, lines, monitor};

/// A project whose day 4 is bad, with a channel of the test beside the file.
async fn project(channel: &str) -> Project {
    let yaml = monitor("").replace("channels:\n", &format!("channels:\n  - {{ name: other, {channel} }}\n"));
    let project = Project::new(&yaml.replace("[log]", "[other, log]")).await;
    project.add(0..6, |day| if day > 3 { 3.0 } else { 0.0 }, 0).await;
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_tried_again_and_told_once() {
    let server = Server::http(&["503 Busy\r\nretry-after: 0", "", "429 Slow down", "204 No Content"]);
    let project = project(&format!("webhook: {{ url: \"http://{}/hook\" }}", server.address)).await;
    let ran = project.run(5).await;
    assert!(ran.deliveries.len() == 2 && ran.deliveries.iter().all(|sent| sent.error.is_none()), "{ran:?}");
    let received = server.received();
    assert_eq!(received.len(), 4);
    let id = &lines(&project.path("alerts.jsonl"))[0]["id"];
    for request in &received {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
        assert!(
            head.to_lowercase()
                .contains(&format!("idempotency-key: {}", id.as_str().unwrap().to_lowercase()))
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["id"], &body["project"], &body["branch"]), (id, &"school".into(), &"main".into()));
        assert!(body["text"].as_str().unwrap().contains("x (values): alarm"), "{body}");
    }
    // The server has gone, and nobody asks it again.
    assert!(project.run(5).await.deliveries.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_channel_does_not_take_is_left_to_the_next_run() {
    // A refusal is not repeated, a redirect not followed.
    for answer in [&["404 Gone"][..], &["302 Found\r\nlocation: http://127.0.0.1:9/"][..]] {
        let server = Server::http(answer);
        let project = project(&format!("webhook: {{ url: \"http://{}/s3cret\" }}", server.address)).await;
        let ran = project.run(5).await;
        server.received();
        assert!(!ran.is_healthy());
        let error =
            ran.deliveries.iter().find(|sent| sent.channel == "other").unwrap().error.clone().unwrap();
        assert!(error.contains("tried 1x") && !error.contains("s3cret"), "{error}");
        assert_eq!(lines(&project.path("alerts.jsonl")).len(), 1);
        // The same alert, to the channel that did not take it only.
        let server = Server::http(&["200 OK"]);
        project.define(
            &std::fs::read_to_string(project.path("monitors/a.yaml"))
                .unwrap()
                .replace(&format!("127.0.0.1:{}", ran_port(&project)), &server.address.to_string()),
        );
        let again = project.run(5).await;
        assert_eq!(again.deliveries.len(), 1, "{again:?}");
        assert!(again.deliveries[0].error.is_none());
        assert!(server.received()[0].contains(&again.deliveries[0].alert));
        assert_eq!(project.count("select count(*) from monitor.deliveries").await, 3);
    }
}

/// The port in the definition.
fn ran_port(project: &Project) -> String {
    let yaml = std::fs::read_to_string(project.path("monitors/a.yaml")).unwrap();
    yaml.split_once("127.0.0.1:").unwrap().1.split('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_from_the_environment() {
    let project = project("webhook: { url_env: HANOK_TEST_HOOK_THAT_IS_NOT_SET }").await;
    let ran = project.run(5).await;
    let error = ran.deliveries[0].error.as_deref().unwrap();
    assert!(error.contains("HANOK_TEST_HOOK_THAT_IS_NOT_SET"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_sent_by_smtp() {
    let email = |server: &Server| {
        format!(
            "email: {{ server: \"{}\", security: none, from: hanok@example.com, to: [a@example.com, b@example.com] }}",
            server.address
        )
    };
    let server = Server::smtp("");
    let with_mail = project(&email(&server)).await;
    let ran = with_mail.run(5).await;
    assert!(ran.deliveries.iter().all(|sent| sent.error.is_none()), "{ran:?}");
    let received = server.received().remove(0);
    let commands = "EHLO hanok\r\nMAIL FROM:<hanok@example.com>\r\nRCPT TO:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n";
    assert!(received.starts_with(commands), "{received}");
    assert!(
        received.contains(&format!("Message-ID: <{}@example.com>\r\n", ran.deliveries[0].alert)),
        "{received}"
    );
    assert!(received.ends_with("\r\n.\r\nQUIT\r\n"), "{received}");
    let server = Server::smtp("RCPT");
    let refused = project(&email(&server)).await;
    let ran = refused.run(5).await;
    let error = ran.deliveries.iter().find(|sent| sent.channel == "other").unwrap().error.clone().unwrap();
    assert!(error.ends_with("550-no"), "{error}");
    // A server that offers no encryption gets no mail when encryption is wanted, which is what is wanted without a word.
    let server = Server::smtp("STARTTLS");
    let clear = project(&email(&server).replace("security: none, ", "")).await;
    let ran = clear.run(5).await;
    assert!(ran.deliveries[0].error.is_some());
    assert!(!server.received()[0].contains("MAIL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_is_said() {
    let project = project("file: monitors").await;
    let ran = project.run(5).await;
    let error = ran.deliveries.iter().find(|sent| sent.channel == "other").unwrap().error.clone().unwrap();
    assert!(error.starts_with("HK1854: cannot write"), "{error}");
}
