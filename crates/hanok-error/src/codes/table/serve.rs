//! HK08xx: the feature server.

codes! { CODES:
    SERVE_LISTEN = "HK0801", "the server cannot listen",
        "The address is in use, not one of this machine, or its port needs more rights.",
        "Choose another address with `hanok serve --http ADDR`.";
    REQUEST_MALFORMED = "HK0802", "the request is not what this address takes",
        "The body is not JSON of the documented form, or a field has the wrong type.",
        "Send `{\"entities\": {KEY: [VALUES]}, \"features\": [\"view:feature\"]}` or a `feature_service`.";
    REQUEST_TOO_LARGE = "HK0803", "the request is too large",
        "The body, the number of entities or the number of features is over the server's limit.",
        "Split the request, or raise the limits of `hanok serve`.";
    REQUEST_NOT_FOUND = "HK0804", "no such feature, view, service or address",
        "The request names something that is not registered with this server.",
        "Check the spelling; run `hanok apply` when the definition is new.";
    REQUEST_ENTITIES = "HK0805", "the entities of the request cannot be looked up",
        "A join key is missing or null, has a value of another type, or the lists differ in length.",
        "Send one list per join key of the requested views, all of one length and of the entities' types.";
    REQUEST_TIMEOUT = "HK0806", "the request did not arrive in time",
        "The client sent its request more slowly than the server waits for.",
        "Check the network between client and server.";
    SERVE_BUSY = "HK0807", "the server has no free connection",
        "As many clients are connected as the server permits.",
        "Reuse connections, or raise the connection limit of `hanok serve`.";
    SERVE_INTERNAL = "HK0808", "the server met a fault of its own",
        "Something failed that no request should be able to cause.",
        "Report this as a bug with the server's log.";
}
