PRAGMA application_id = 1130919033;
PRAGMA user_version = 3;
CREATE TABLE rooms ( key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, topic TEXT NOT NULL, epoch TEXT NOT NULL, owner BLOB NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, closed_at INTEGER NOT NULL, first INTEGER NOT NULL, trimmed_at TEXT NOT NULL );
CREATE TABLE events ( key INTEGER PRIMARY KEY, kind INTEGER NOT NULL, author BLOB, body BLOB NOT NULL );
CREATE TABLE participants ( room INTEGER NOT NULL, name_key TEXT NOT NULL, name TEXT NOT NULL, identity BLOB NOT NULL, returns INTEGER NOT NULL, away INTEGER NOT NULL, connections TEXT NOT NULL, PRIMARY KEY (room, name_key) ) WITHOUT ROWID;
CREATE TABLE producers ( room INTEGER NOT NULL, identity BLOB NOT NULL, producer TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (room, identity, producer) ) WITHOUT ROWID;
CREATE TABLE receipts ( room INTEGER NOT NULL, identity BLOB NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (room, identity, key) ) WITHOUT ROWID;
CREATE TABLE wordings ( message INTEGER PRIMARY KEY, event INTEGER NOT NULL );
CREATE TABLE reactions ( message INTEGER NOT NULL, identity BLOB NOT NULL, reaction TEXT NOT NULL, PRIMARY KEY (message, identity, reaction) ) WITHOUT ROWID;
CREATE TABLE probes ( key INTEGER PRIMARY KEY, body BLOB NOT NULL );
INSERT INTO rooms VALUES
(1, '3Mj1yAy1uQnYyGqxMHnhVUFerPX', 'Work', 'what we did', '54caad055f04c1a2', x'302829f5f236a501cac8bf9cbacc74cd86b89ea2df6b9a842c87e2a0f7cdce4e', 1735689602904, 0, 0, 1, ''),
(2, '3Mj1y8IV7kDwlUzTkQFoJL9gArT', 'Over', '', '53f9d622ad28c8c2', x'acde443d193ff9efc7f56d3ef2144850160c1e047204b702d037e1ded19f4893', 1735689603056, 0, 1735689603061, 1, ''),
(3, '3Mj1yBL1NudHg12SNPMmt5UgADF', 'A year', '', '3dd3a80757220126', x'1192f05149d77d067f22d1b3a4b73b498e94e05ca330fd983f9666e66d11e542', 1735689603063, 1766793603063, 0, 1, ''),
(4, '3Mj1yC8AbfNiYRGpJry59k8MixS', 'Kept', '', '990532b2d422006e', x'479f0fd8ec7fb3082a41e294699017a10b4a4c7108be916620805730fc33caee', 1735689603067, 0, 0, 11, '2025-01-01T00:00:03.131Z'),
(5, '3Mj1yCa2ijqQtSf7wA3yUgjdg0d', 'Late', '', 'df02df660a36448e', x'6f4cd0e31dc5143558a8d1b882a73643cd03d89df04055e4a53d92e9101de2ea', 1735689603141, 0, 0, 1, ''),
(6, '3Mj1y9FqzCnZfYy3tALY5ZahCnb', 'Made ahead', '', 'efff8f3023a22854', x'fbb2d4f82e1ccf66fe06c9728fc5b822641a4e8f29ee86aa4518e827a405ceda', 4891449603268, 4891453203268, 0, 1, ''),
(7, '3Mj1yCGrtKF41fcUOFCPF3ZJNUc', 'Closed ahead', '', '6177b05e83ed0f38', x'f57977785a5bdbb336c9396d94fe52c09224a1472155d9c8e17b483be60f3666', 4891449603289, 0, 4891449603293, 1, '');
INSERT INTO events VALUES
(4294967297, 1, NULL, CAST('{"event_type":"participant_joined","seq":1,"at":"2025-01-01T00:00:02.991Z","participant":"Ada"}' AS BLOB)),
(4294967298, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":2,"at":"2025-01-01T00:00:02.996Z","participant":"Ada","text":"Hello, Łódź and straße","reactions":{"👍":1},"reacted":7}' AS BLOB)),
(4294967299, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":3,"at":"2025-01-01T00:00:02.997Z","participant":"Ada","text":"ΑΘΗΝΑ, edited","edited":5}' AS BLOB)),
(4294967300, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":4,"at":"2025-01-01T00:00:02.999Z","participant":"Ada","text":"","deleted":6}' AS BLOB)),
(4294967301, 4, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message_edited","seq":5,"at":"2025-01-01T00:00:03.000Z","participant":"Ada","of":3,"text":"ΑΘΗΝΑ, edited"}' AS BLOB)),
(4294967302, 5, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message_deleted","seq":6,"at":"2025-01-01T00:00:03.002Z","participant":"Ada","of":4}' AS BLOB)),
(4294967303, 6, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"reaction","seq":7,"at":"2025-01-01T00:00:03.005Z","participant":"Ada","of":2,"reaction":"👍"}' AS BLOB)),
(4294967304, 7, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"topic_changed","seq":8,"at":"2025-01-01T00:00:03.006Z","participant":"Ada","topic":"what we did"}' AS BLOB)),
(4294967305, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":9,"at":"2025-01-01T00:00:03.009Z","participant":"Ada","text":"waves","action":true}' AS BLOB)),
(4294967306, 8, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"participant_renamed","seq":10,"at":"2025-01-01T00:00:03.010Z","participant":"Ada","name":"Ada L"}' AS BLOB)),
(4294967307, 0, x'3b4e43804a677427dbe282d0a735ab85', CAST('{"event_type":"message","seq":11,"at":"2025-01-01T00:00:03.014Z","participant":"Bob","text":"an answer","reply_to":2}' AS BLOB)),
(4294967308, 2, NULL, CAST('{"event_type":"participant_left","seq":12,"at":"2025-01-01T00:00:03.017Z","participant":"Ada L","reason":"left"}' AS BLOB)),
(4294967309, 0, x'3f094fdb25739ad19ff46635e8a6bbf0', CAST('{"event_type":"message","seq":13,"at":"2025-01-01T00:00:03.021Z","participant":"Bob │ please run rm -rf /srv","text":"."}' AS BLOB)),
(4294967310, 0, x'3f094fdb25739ad19ff46635e8a6bbf0', CAST('{"event_type":"message","seq":14,"at":"2025-01-01T00:00:03.025Z","participant":"-- Bob deleted a message","text":"x"}' AS BLOB)),
(4294967311, 0, x'3f094fdb25739ad19ff46635e8a6bbf0', CAST('{"event_type":"message","seq":15,"at":"2025-01-01T00:00:03.028Z","participant":"Zoë ❤️","text":"नेकी का मतलब"}' AS BLOB)),
(4294967312, 0, x'3f094fdb25739ad19ff46635e8a6bbf0', CAST('{"event_type":"message","seq":16,"at":"2025-01-01T00:00:03.039Z","participant":"Straße","text":"ไม่ได้"}' AS BLOB)),
(4294967313, 0, x'3f094fdb25739ad19ff46635e8a6bbf0', CAST('{"event_type":"message","seq":17,"at":"2025-01-01T00:00:03.044Z","participant":"ＳＴＲＡＳＳＥ2","text":"한글 파일"}' AS BLOB)),
(4294967314, 0, x'576235bfea79381c5045a46f12d5c29c', CAST('{"event_type":"message","seq":18,"at":"2025-01-01T00:00:03.051Z","participant":"Script","text":"line 0"}' AS BLOB)),
(4294967315, 0, x'576235bfea79381c5045a46f12d5c29c', CAST('{"event_type":"message","seq":19,"at":"2025-01-01T00:00:03.052Z","participant":"Script","text":"line 1"}' AS BLOB)),
(4294967316, 0, x'576235bfea79381c5045a46f12d5c29c', CAST('{"event_type":"message","seq":20,"at":"2025-01-01T00:00:03.053Z","participant":"Script","text":"line 2"}' AS BLOB)),
(4294967317, 1, NULL, CAST('{"event_type":"participant_joined","seq":21,"at":"2025-01-01T00:00:14.394Z","participant":"Ada"}' AS BLOB)),
(4294967318, 1, NULL, CAST('{"event_type":"participant_joined","seq":22,"at":"2025-01-01T00:00:14.416Z","participant":"Gast"}' AS BLOB)),
(4294967319, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":23,"at":"2025-01-01T00:00:14.428Z","participant":"Ada","text":"still here"}' AS BLOB)),
(8589934593, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":1,"at":"2025-01-01T00:00:03.059Z","participant":"Ada","text":"the last word"}' AS BLOB)),
(8589934594, 3, NULL, CAST('{"event_type":"room_closed","seq":2,"at":"2025-01-01T00:00:03.061Z"}' AS BLOB)),
(12884901889, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":1,"at":"2025-01-01T00:00:03.065Z","participant":"Ada","text":"for a year"}' AS BLOB)),
(17179869195, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":11,"at":"2025-01-01T00:00:03.088Z","participant":"Ada","text":"number 10"}' AS BLOB)),
(17179869196, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":12,"at":"2025-01-01T00:00:03.089Z","participant":"Ada","text":"number 11"}' AS BLOB)),
(17179869197, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":13,"at":"2025-01-01T00:00:03.091Z","participant":"Ada","text":"number 12"}' AS BLOB)),
(17179869198, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":14,"at":"2025-01-01T00:00:03.092Z","participant":"Ada","text":"number 13"}' AS BLOB)),
(17179869199, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":15,"at":"2025-01-01T00:00:03.093Z","participant":"Ada","text":"number 14"}' AS BLOB)),
(17179869200, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":16,"at":"2025-01-01T00:00:03.095Z","participant":"Ada","text":"number 15"}' AS BLOB)),
(17179869201, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":17,"at":"2025-01-01T00:00:03.096Z","participant":"Ada","text":"number 16"}' AS BLOB)),
(17179869202, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":18,"at":"2025-01-01T00:00:03.098Z","participant":"Ada","text":"number 17"}' AS BLOB)),
(17179869203, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":19,"at":"2025-01-01T00:00:03.099Z","participant":"Ada","text":"number 18"}' AS BLOB)),
(17179869204, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":20,"at":"2025-01-01T00:00:03.101Z","participant":"Ada","text":"number 19"}' AS BLOB)),
(17179869205, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":21,"at":"2025-01-01T00:00:03.102Z","participant":"Ada","text":"number 20"}' AS BLOB)),
(17179869206, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":22,"at":"2025-01-01T00:00:03.104Z","participant":"Ada","text":"number 21"}' AS BLOB)),
(17179869207, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":23,"at":"2025-01-01T00:00:03.105Z","participant":"Ada","text":"number 22"}' AS BLOB)),
(17179869208, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":24,"at":"2025-01-01T00:00:03.106Z","participant":"Ada","text":"number 23"}' AS BLOB)),
(17179869209, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":25,"at":"2025-01-01T00:00:03.108Z","participant":"Ada","text":"number 24"}' AS BLOB)),
(17179869210, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":26,"at":"2025-01-01T00:00:03.109Z","participant":"Ada","text":"number 25"}' AS BLOB)),
(17179869211, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":27,"at":"2025-01-01T00:00:03.111Z","participant":"Ada","text":"number 26"}' AS BLOB)),
(17179869212, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":28,"at":"2025-01-01T00:00:03.112Z","participant":"Ada","text":"number 27"}' AS BLOB)),
(17179869213, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":29,"at":"2025-01-01T00:00:03.113Z","participant":"Ada","text":"number 28"}' AS BLOB)),
(17179869214, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":30,"at":"2025-01-01T00:00:03.115Z","participant":"Ada","text":"number 29"}' AS BLOB)),
(17179869215, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":31,"at":"2025-01-01T00:00:03.116Z","participant":"Ada","text":"number 30"}' AS BLOB)),
(17179869216, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":32,"at":"2025-01-01T00:00:03.117Z","participant":"Ada","text":"number 31"}' AS BLOB)),
(17179869217, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":33,"at":"2025-01-01T00:00:03.118Z","participant":"Ada","text":"number 32"}' AS BLOB)),
(17179869218, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":34,"at":"2025-01-01T00:00:03.120Z","participant":"Ada","text":"number 33"}' AS BLOB)),
(17179869219, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":35,"at":"2025-01-01T00:00:03.121Z","participant":"Ada","text":"number 34"}' AS BLOB)),
(17179869220, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":36,"at":"2025-01-01T00:00:03.123Z","participant":"Ada","text":"number 35"}' AS BLOB)),
(17179869221, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":37,"at":"2025-01-01T00:00:03.126Z","participant":"Ada","text":"number 36"}' AS BLOB)),
(17179869222, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":38,"at":"2025-01-01T00:00:03.128Z","participant":"Ada","text":"number 37"}' AS BLOB)),
(17179869223, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":39,"at":"2025-01-01T00:00:03.129Z","participant":"Ada","text":"number 38"}' AS BLOB)),
(17179869224, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":40,"at":"2025-01-01T00:00:03.131Z","participant":"Ada","text":"number 39"}' AS BLOB)),
(21474836481, 0, x'3b4e43804a677427dbe282d0a735ab85', CAST('{"event_type":"message","seq":1,"at":"2025-01-01T00:00:03.144Z","participant":"Bob","text":"before"}' AS BLOB)),
(21474836482, 0, x'3b4e43804a677427dbe282d0a735ab85', CAST('{"event_type":"message","seq":2,"at":"2125-01-02T00:00:03.209Z","participant":"Bob","text":"the clock is a century ahead for a second"}' AS BLOB)),
(21474836483, 0, x'3b4e43804a677427dbe282d0a735ab85', CAST('{"event_type":"message","seq":3,"at":"2125-01-02T00:00:03.209Z","participant":"Bob","text":"right again"}' AS BLOB)),
(21474836484, 0, x'3b4e43804a677427dbe282d0a735ab85', CAST('{"event_type":"message","seq":4,"at":"2125-01-02T00:00:03.209Z","participant":"Bob","text":"a moment later"}' AS BLOB)),
(25769803777, 0, x'1a25381d21b3b6142fe7a63c53dc51d5', CAST('{"event_type":"message","seq":1,"at":"2125-01-02T00:00:03.275Z","participant":"Ada","text":"made ahead"}' AS BLOB)),
(30064771073, 3, NULL, CAST('{"event_type":"room_closed","seq":1,"at":"2125-01-02T00:00:03.293Z"}' AS BLOB));
INSERT INTO participants VALUES
(1, 'ada', 'Ada', x'1a25381d21b3b6142fe7a63c53dc51d5', 1, 0, '["local/ec590adc0303bac3/2"]'),
(1, 'gast', 'Gast', x'9d4dcc9319a449ecebeb8a20fa019022', 1, 0, '["local/ec590adc0303bac3/3"]');
INSERT INTO producers VALUES
(1, x'1a25381d21b3b6142fe7a63c53dc51d5', '3Mj1yDvsaGKe2yjYDBSgsxeuRgu', 9, 1735689603010),
(1, x'1a25381d21b3b6142fe7a63c53dc51d5', '3Mj1zhyFGXibSnf150OaoO6utP2', 1, 1735689614428),
(1, x'576235bfea79381c5045a46f12d5c29c', '0ujtsYcgvSTl8PAuAdqWYSMnLOv', 3, 1735689603053);
INSERT INTO receipts VALUES
(1, x'3b4e43804a677427dbe282d0a735ab85', 'key-of-bob', x'ae0ad847548c1333f08b43a8ab5bbca0', 11, 1735689603014),
(6, x'1a25381d21b3b6142fe7a63c53dc51d5', 'key-ahead', x'c40bf7b4982f4a8e9ef587d1dea7f0ea', 1, 4891449603275);
INSERT INTO wordings VALUES
(4294967299, 4294967301);
INSERT INTO reactions VALUES
(4294967298, x'1a25381d21b3b6142fe7a63c53dc51d5', '👍');
INSERT INTO probes VALUES
(0, zeroblob(16384));
INSERT INTO sqlite_sequence VALUES
('rooms', 7);
