//! Envoy's configuration: its frame, and filters in Lua for what only a program does to messages.

use crate::front::Certificate;

/// A filter that runs this program in Lua. The program stands in a string of YAML: a double quote of its own is `\"`, a line's end `\n`.
macro_rules! lua {
    ($($program:expr),+ $(,)?) => {
        concat!(
            r#"{name: lua, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, default_source_code: {inline_string: ""#,
            $($program,)+
            r#""}}}"#
        )
    };
}

/// A filter that replaces something in the text of each request's body: the arguments of Lua's `string.gsub` after the text.
macro_rules! replaces_in_requests {
    ($arguments:expr) => {
        $crate::envoy::lua!(
            r#"function envoy_on_request(handle)\n local body = handle:body()\n if body == nil then return end\n local text = body:getBytes(0, body:length())\n local changed = string.gsub(text, "#,
            $arguments,
            r#")\n handle:headers():replace('content-length', body:setBytes(changed))\nend"#
        )
    };
}

pub(crate) use {lua, replaces_in_requests};

/// What a case adds to Envoy's configuration; each text is YAML at the indentation of its place.
#[derive(Clone, Debug)]
pub struct Envoy {
    /// Fields of the connection manager.
    pub manager: &'static str,
    /// Fields of the route action, in flow style, such as `timeout: 2s`.
    pub route: &'static str,
    /// Fields of the route beside its action, flow style.
    pub beside: &'static str,
    /// Fields of the virtual host, each a line at its indentation.
    pub host: &'static str,
    /// Filters before the router, each a flow-style list item.
    pub filters: &'static [&'static str],
    /// Fields of the cluster, flow style.
    pub cluster: &'static str,
    /// Host and port of the cluster.
    pub upstream: (&'static str, &'static str),
    /// Fields of a TCP proxy, flow style, where one stands in the connection manager's place: it passes bytes on and knows no HTTP.
    pub tcp: &'static str,
    /// Fields of the listener, each a line at its indentation.
    pub listener: &'static str,
    /// TLS towards the client.
    pub tls: Option<Certificate>,
}

impl Envoy {
    /// Passes everything on, without a route timeout.
    pub const PLAIN: Self = Self {
        manager: "",
        route: "timeout: 0s",
        beside: "",
        host: "",
        filters: &[],
        cluster: "type: STATIC",
        upstream: ("{claude_ip}", "{claude_port}"),
        tcp: "",
        listener: "",
        tls: None,
    };

    /// The whole configuration.
    pub fn configuration(&self) -> String {
        let Envoy {
            manager,
            route,
            beside,
            host: virtual_host,
            filters,
            cluster,
            upstream: (host, port),
            tcp,
            listener,
            tls,
        } = self;
        let filters: String = filters.iter().map(|filter| format!("          - {filter}\n")).collect();
        // A cluster of a type of its own finds its endpoints by itself.
        let endpoints = if cluster.contains("cluster_type:") {
            String::new()
        } else {
            format!(
                ", load_assignment: {{cluster_name: claude, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: \"{host}\", port_value: {port}}}}}}}}}]}}]}}"
            )
        };
        let beside = if beside.is_empty() {
            String::new()
        } else {
            format!(", {beside}")
        };
        let tls = if tls.is_some() {
            "      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context: {alpn_protocols: [h2, http/1.1], tls_certificates: [{certificate_chain: {filename: \"{own}/server.pem\"}, private_key: {filename: \"{own}/server.pem\"}}]}
"
        } else {
            ""
        };
        let filter = if tcp.is_empty() {
            format!(
            "    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
{manager}
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
{virtual_host}
              routes:
              - {{match: {{prefix: /}}, route: {{cluster: claude, {route}}}{beside}}}
          http_filters:
{filters}          - {{name: envoy.filters.http.router, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}}}"
        )
        } else {
            format!(
                "    - filters: [{{name: tcp, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: in, cluster: claude, {tcp}}}}}]"
            )
        };
        format!(
            "static_resources:
  listeners:
  - name: in
    address: {{socket_address: {{address: \"{{listen_ip}}\", port_value: {{listen_port}}}}}}
{listener}
    filter_chains:
{filter}
{tls}  clusters:
  - {{name: claude, connect_timeout: 1s, {cluster}{endpoints}}}
"
        )
    }
}
