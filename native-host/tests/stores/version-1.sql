-- A store as the first version of Housekey wrote it: its tables, two pins, their history, a maker.
CREATE TABLE pin (
    endpoint TEXT PRIMARY KEY,
    spki TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pin_by_key ON pin (spki);
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    host TEXT NOT NULL,
    spki TEXT NOT NULL,
    what TEXT NOT NULL
) STRICT;
CREATE INDEX history_by_endpoint ON history (endpoint);
CREATE INDEX history_by_host ON history (host, spki);
CREATE TABLE maker (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    device_id TEXT NOT NULL,
    root BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE settings (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    body TEXT NOT NULL
) STRICT;
INSERT INTO pin VALUES (
    '192.168.1.20:443',
    '1111111111111111111111111111111111111111111111111111111111111111',
    '{"endpoint":"192.168.1.20:443","spkiSha256":"1111111111111111111111111111111111111111111111111111111111111111","leafSha256":"2222222222222222222222222222222222222222222222222222222222222222","identity":{"tier":"manufacturer","name":"Philips Hue","verifiedBy":"Philips Hue","issuedBy":"Philips Hue","deviceId":"001788fffe405c5e","oddities":[]},"label":"Bridge","serial":"01","notBefore":1700000000,"notAfter":1900000000,"firstSeen":1790000000,"lastSeen":1795000000,"blocked":false,"extendedUntil":null}'
);
INSERT INTO pin VALUES (
    '192.168.1.1:443',
    '3333333333333333333333333333333333333333333333333333333333333333',
    '{"endpoint":"192.168.1.1:443","spkiSha256":"3333333333333333333333333333333333333333333333333333333333333333","leafSha256":"4444444444444444444444444444444444444444444444444444444444444444","identity":{"tier":"unverified","name":"Ubiquiti Inc.","verifiedBy":null,"issuedBy":"Ubiquiti Inc.","deviceId":"UniFi","oddities":[]},"label":"","serial":"02","notBefore":1700000000,"notAfter":1900000000,"firstSeen":1790000000,"lastSeen":1795000000,"blocked":true,"extendedUntil":null}'
);
INSERT INTO history (at, endpoint, host, spki, what) VALUES
    (1790000000, '192.168.1.20:443', '192.168.1.20', '1111111111111111111111111111111111111111111111111111111111111111', 'approve'),
    (1790000001, '192.168.1.1:443', '192.168.1.1', '3333333333333333333333333333333333333333333333333333333333333333', 'approve'),
    (1790000002, '192.168.1.1:443', '192.168.1.1', '3333333333333333333333333333333333333333333333333333333333333333', 'block');
INSERT INTO maker (name, device_id, root) VALUES ('Philips Hue', '"subject_common_name"', x'3000');
INSERT INTO settings VALUES (1, '{"sharedAddressSpace":true}');
PRAGMA application_id = 0x484B6579;
PRAGMA user_version = 1;
