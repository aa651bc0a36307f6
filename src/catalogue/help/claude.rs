//! Findings about Claude itself: its answer stands, whoever carried it.

use super::{Help, Sight, knobs};

pub const PERMISSION: Help = Help {
    sights: &[(Sight::PermissionRefused, "on every path with this key")],
    meaning: "The key is good, and its workspace may not use this model or feature.",
    evidence: "Claude's own 403 with its ids. The edge's “Request not allowed” and a gateway's 403 are other findings.",
    confirm: &[
        ("ask \"$D\" -H \"$key\"", "403 · permission_error · request-id: req_"),
        ("curl -sS -H \"$key\" -H \"$version\" \"$D/v1/models\"", "claude-"),
    ],
    knobs: knobs::NONE,
};

pub const DISABLED: Help = Help {
    sights: &[(
        Sight::OrganizationDisabled,
        "on every path with this organisation's keys",
    )],
    meaning: "The organisation that the key belongs to is disabled.",
    evidence: "Claude's own words.",
    confirm: &[(
        "ask \"$D\" -H \"$key\"",
        "400 · organization has been disabled · request-id: req_",
    )],
    knobs: knobs::NONE,
};

pub const OVERLOADED: Help = Help {
    sights: &[(Sight::Overloaded, "with a `request-id`, on every path sooner or later")],
    meaning: "Claude has more work than capacity. It passes.",
    evidence: "Claude's own 529 or overloaded_error, whatever status a gateway gave it. It convicts on one path alone: a 200 on the other does not acquit.",
    confirm: &[("ask \"$D\" -H \"$key\"", "529 · overloaded_error · request-id: req_")],
    knobs: knobs::NONE,
};

pub const ERROR: Help = Help {
    sights: &[
        (Sight::InternalError, "on every path sooner or later"),
        (Sight::GatewayError, "a page of the edge that names api.anthropic.com"),
    ],
    meaning: "Claude fails inside, or its edge cannot reach it.",
    evidence: "Claude's own 5xx with its ids, or an error page of the edge that names Claude's host. A page of the same provider that names another host is the gateway's.",
    confirm: &[("ask \"$D\" -H \"$key\"", "500 · api_error · request-id: req_")],
    knobs: knobs::NONE,
};

pub const STREAM_ERROR: Help = Help {
    sights: &[
        (Sight::ErrorEvent, "with a `request_id`, or on every path"),
        (Sight::Cut, "at the same place on every path"),
    ],
    meaning: "Claude ends a stream that had begun: overload, an internal error.",
    evidence: "An error event that carries a genuine request id, or the same end on both paths.",
    confirm: &[(
        "stream \"$D\" -H \"$key\"",
        "event: error · overloaded_error · \"request_id\":\"req_",
    )],
    knobs: knobs::NONE,
};

pub const EDGE: Help = Help {
    sights: &[(Sight::EdgePage, "for some prompts, or from some addresses")],
    meaning: "The firewall at Claude's edge refuses the request: the prompt looks like an attack, or it wants a browser's challenge solved.",
    evidence: "A page with the edge's marks that names Claude's host, or on a direct path to api.anthropic.com that a public CA vouches for. Elsewhere the same page may be another zone's, and stays a reading.",
    confirm: &[("ask \"$D\" -H \"$key\"", "403 · cf-ray · no request-id")],
    knobs: knobs::NONE,
};

pub const MODEL_NOT_FOUND: Help = Help {
    sights: &[
        (Sight::ModelUnknown, "on this path, or on all"),
        (Sight::GatewayNotFound, "the gateway's own list does not have it"),
    ],
    meaning: "The model is misspelt, retired, not allowed for this key, or unknown to the gateway's own list.",
    evidence: "Claude's own 404 that names the model, or a gateway's words about an unknown model. If the direct path answers for the same model, the gateway's mapping or key is named.",
    confirm: &[
        ("ask \"$D\" -H \"$key\"", "404 · not_found_error · model:"),
        ("curl -sS -H \"$key\" -H \"$version\" \"$D/v1/models\"", "claude-"),
    ],
    knobs: knobs::MODEL,
};

pub const MODEL_RETIRING: Help = Help {
    sights: &[(Sight::NothingYet, "on the day of its retirement: 404 “model: …”")],
    meaning: "Claude will stop serving this model on a known date.",
    evidence: "Not looked for yet: no exchange of this version reads the models endpoint, which gives the date.",
    confirm: &[(
        "curl -sS -H \"$key\" -H \"$version\" \"$D/v1/models/claude-haiku-4-5\"",
        "retires_at",
    )],
    knobs: knobs::MODEL,
};
