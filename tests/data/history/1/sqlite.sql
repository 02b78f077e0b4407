CREATE TABLE marks (n integer);
INSERT INTO marks (n) VALUES (1);
INSERT INTO marks (n) VALUES (1000);
INSERT INTO marks (n) VALUES (101);
INSERT INTO marks (n) VALUES (121);
INSERT INTO marks (n) VALUES (2);
INSERT INTO marks (n) VALUES (2026);
INSERT INTO marks (n) VALUES (51);
INSERT INTO marks (n) VALUES (800);
INSERT INTO marks (n) VALUES (900);
CREATE TABLE safe_to_repeat (n integer);
CREATE TABLE "whimbrel_history" (
  namespace TEXT NOT NULL,
  id TEXT NOT NULL,
  format INTEGER NOT NULL,
  kind TEXT NOT NULL,
  version TEXT,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  token_checksum TEXT,
  state TEXT NOT NULL,
  statements_done INTEGER NOT NULL,
  statements_total INTEGER NOT NULL,
  prefix_checksum TEXT,
  fence INTEGER NOT NULL,
  lease_until TEXT,
  started_at TEXT,
  finished_at TEXT,
  duration_ms INTEGER,
  origin TEXT,
  tool_version TEXT,
  run_by TEXT,
  error TEXT,
  PRIMARY KEY (namespace, id)
) WITHOUT ROWID;
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('another''s "library" ü', 'v:00002026.00000001', 1, 'migration', '2026.1', 'other', 'v1:sha256:0b269943206441407986627ae7a7da289542030c4cf7db6f44a043ad7963ed3a', 'v1:sha256:65e7170081c5283a3118f5e1f749ab5209fe32455d0a967245ebbbdcb5ef9a04', 'applied', 1, 1, NULL, 1, NULL, '2025-01-15T23:29:54.449Z', '2025-01-15T23:29:54.449Z', 0, 'applied', 'whimbrel 0.1.0', 'app@host pid 4711 run 12914d9e', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('library', 'v:00000001', 1, 'migration', '1', 'library', 'v1:sha256:0ae1ca0404f3b90cd1a90bd2eb3d7094d0d3f5f82b1faefd291f0d37451f9c78', 'v1:sha256:d0538b53933db5a29e7a207fc058a20f9272250bde976d514b0acb16b095cb76', 'applied', 1, 1, NULL, 1, NULL, '2025-01-15T23:29:54.446Z', '2025-01-15T23:29:54.446Z', 0, 'applied', 'whimbrel 0.1.0', 'app@host pid 4711 run 0bca4c22', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('library', 'v:00000002', 1, 'migration', '2', 'steps', 'v1:sha256:91ec477fc6028ba9433934e18d47087b5eec280d8744f61db4db59dbbf6b7109', 'v1:sha256:a0bbcc95506a49d569a207d0927b3c9f1c169422f0ca61aab9e90fa5ba12cc1d', 'running', 1, 3, 'v1:sha256:642037bea159edff467209933a18fee5957e6d5ecce0f3939684513d7a5af337', 1, '2025-01-15T23:29:57.458Z', '2025-01-15T23:29:54.457Z', NULL, NULL, 'applied', 'whimbrel 0.1.0', 'app@host pid 4711 run 1a9a6d6a', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('main', 'r:replaced', 1, 'repeatable', NULL, 'replaced', 'v1:sha256:7bb914b858e29978b5d0cde8dcb23fababa2563804f61ee30e314fa1802a2b52', 'v1:sha256:3a72f2a2a0e61b04462f59e0b1b4aebdbebda9c2e23c0485850e1d806fe7343a', 'applied', 1, 1, NULL, 1, NULL, '2025-01-15T23:29:54.444Z', '2025-01-15T23:29:54.444Z', 0, 'applied', 'whimbrel 0.1.0', 'app@host pid 4711 run 0bca4c22', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('main', 'r:same', 1, 'repeatable', NULL, 'same', 'v1:sha256:4155111df49a8bd4bf6195a83f0f8c76d03e51027699d3fe02f461318d03965c', 'v1:sha256:af487b8368f711b674f50c7ed6ce08740e66ebf41d19bee700b67a0ef4b86c53', 'applied', 1, 1, NULL, 1, NULL, '2025-01-15T23:29:54.445Z', '2025-01-15T23:29:54.445Z', 0, 'applied', 'whimbrel 0.1.0', 'app@host pid 4711 run 0bca4c22', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('main', 's:seed', 1, 'seed', NULL, 'seed', 'v1:sha256:5cec6b613d91f8e13b0a1b2e89f553353b7ca00ea1584d0e560ecaad0b2c6df6', 'v1:sha256:671409ec3eb04ddbf85ef21e9d9508fcc5f14f2b2356ba44914376eb43d9fc78', 'applied', 1, 1, NULL, 1, NULL, '2025-01-15T23:29:54.445Z', '2025-01-15T23:29:54.445Z', 0, 'applied', 'whimbrel 0.1.0', 'app@host pid 4711 run 0bca4c22', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('main', 'v:00000001', 1, 'migration', '0001', 'start', 'v1:sha256:ed200230f1389e6db03929b19cccdb3472600c27a2452bd66168dfd400853af2', 'v1:sha256:fee513a6a3fb724db0d5431ece8fdf9c5769d2859f68f0ed372aea3d759b3966', 'applied', 2, 2, NULL, 1, NULL, '2025-01-15T23:29:54.443Z', '2025-01-15T23:29:54.443Z', 0, 'applied', 'whimbrel 0.1.0', 'app@host pid 4711 run 0bca4c22', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('main', 'v:00000002', 1, 'migration', '0002', 'words', 'v1:sha256:53fafa5751322aea984df136f649d30b21d6682b331429fe4e01ca6e8f6abca5', 'v1:sha256:776460824a99bd355c2fd7440369923f7f3ef8ba1af0ea9ec0e5a2f7c600b313', 'applied', 1, 1, NULL, 1, NULL, '2025-01-15T23:29:54.443Z', '2025-01-15T23:29:54.444Z', 1, 'applied', 'whimbrel 0.1.0', 'app@host pid 4711 run 0bca4c22', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('main', 'v:00000003', 1, 'migration', '0003', 'baseline', 'v1:sha256:a4da6c8a552947c53bdf43d123a7e95893fb5d6dee7f9ce48793885079bdf108', NULL, 'applied', 1, 1, NULL, 1, NULL, NULL, '2023-11-14T22:13:20.123Z', NULL, 'baseline', 'whimbrel 0.1.0', 'someone@somewhere pid 1', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('main', 'v:00000004', 1, 'migration', '0004', 'adopted', 'v1:sha256:f1bb8f505af8c436221b88eacb05e752e62fd0d791637ba2539e953bf947deab', NULL, 'applied', 1, 1, NULL, 1, NULL, NULL, '2023-11-14T22:13:20.123Z', NULL, 'adopted:drizzle', 'whimbrel 0.1.0', 'someone@somewhere pid 1', NULL);
INSERT INTO whimbrel_history (namespace, id, format, kind, version, name, checksum, token_checksum, state, statements_done, statements_total, prefix_checksum, fence, lease_until, started_at, finished_at, duration_ms, origin, tool_version, run_by, error) VALUES ('main', 'v:00000005', 1, 'migration', '0005', 'steps', 'v1:sha256:e02f8b736d14be4af39cf19ef8837d8a4ac3d5a4a38cc5aa6219b6aad25db818', 'v1:sha256:2848a72377cfab42d6ebbe4476b4ca40e6d506656a7e4199f4d74c750e5b1194', 'failed', 1, 3, 'v1:sha256:91d99aff9655bebcfdca86aec1146e916ab6ab6399a1fba822c23720afa0b4c5', 1, NULL, '2025-01-15T23:29:54.453Z', NULL, NULL, 'applied', 'whimbrel 0.1.0', 'app@host pid 4711 run dcd98cab', 'no such table: no such ''täble'' (SQLITE_ERROR (1))');
