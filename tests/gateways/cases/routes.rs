//! Routes that do not lead to the Claude API.

use claudeprobe::catalogue::Code;

use crate::case::Case;
use crate::front::{Front, haproxy, nginx_server};
use crate::proof::Observation::{Calls, Empty, Header, BodyHas, Status};
use crate::proof::through;

cases! {
    nginx_knows_no_such_path: Case::new(nginx_server("location / { return 404; } location /claude/ { proxy_pass {claude_url}/; }"))
        .proof(through(&[Status(404), BodyHas("nginx"), Calls(0)]))
        .failing(Code::WrongRoute);
    the_prefix_is_passed_on_to_claude: Case::new(nginx_server("location / { proxy_pass {claude_url}/api/; }"))
        .proof(through(&[Status(404), Calls(1)]))
        .failing(Code::WrongRoute);
    nginx_answers_nothing: Case::new(nginx_server("location / { return 200; }"))
        .proof(through(&[Status(200), Empty, Calls(0)]))
        .failing(Code::WrongRoute);
    nginx_answers_with_a_page: Case::new(nginx_server("default_type text/html; location / { return 200 '<html><body>Welcome</body></html>'; }"))
        .proof(through(&[Status(200), BodyHas("Welcome")]))
        .failing(Code::WrongRoute);
    nginx_answers_with_another_apis_json: Case::new(nginx_server("default_type application/json; location / { return 200 '{\"status\":\"ok\"}'; }")).whole()
        .proof(through(&[Status(200), BodyHas("ok")]).whole())
        .failing(Code::WrongRoute);
    haproxy_redirects_to_a_login: Case::new(haproxy("http-request redirect location https://login.example.com/", ""))
        .proof(through(&[Status(302), Header("location", "login.example.com"), Calls(0)]))
        .failing(Code::WrongRoute);
    nginx_redirects_to_https: Case::new(nginx_server("location / { return 308 https://$host$request_uri; }")).bearer()
        .proof(through(&[Status(308), Calls(0)]))
        .failing(Code::WrongRoute);
    haproxy_has_no_backend_for_the_path: Case::new(Front::Haproxy {
            defaults: String::new(), frontend: "http-request return status 404 content-type text/plain string \"no such service\"".into(),
            backend: "server claude {claude}".into(), tls: None })
        .proof(through(&[Status(404), BodyHas("no such service"), Calls(0)]))
        .failing(Code::WrongRoute);
}
