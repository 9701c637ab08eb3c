// The story of an application, told by mysql2. Reads where to connect as JSON from stdin.
"use strict";
const assert = require("node:assert/strict");
const mysql = require("mysql2/promise");
const { read, refused } = require("./story.cjs");

async function statements(connection) {
  const day = new Date("2024-02-29T12:34:56.789Z");
  const bytes = Buffer.from([0, 255, 39, 92, 128, 26]);
  const big = 18446744073709551615n;
  for (const id of [1, 2, 3, 4, 5]) {
    const [done] = await connection.execute("insert into users values (?, ?)", [id, `name ${id}`]);
    assert.equal(done.affectedRows, 1);
  }
  await connection.execute(
    "insert into kinds (id, i, u, d, g, ts, c, v) values (?, ?, ?, ?, ?, ?, ?, ?)",
    [1, true, big, "12.5", 0.1, day, "é'\\", bytes],
  );
  const [[kind]] = await connection.execute("select * from kinds where id = ?", [1]);
  assert.deepEqual(
    [kind.id, kind.i, kind.u, kind.d, kind.g, kind.c],
    [1, 1, big.toString(), "12.500", 0.1, "é'\\"],
  );
  assert.equal(kind.ts.getTime(), day.getTime());
  assert.deepEqual(kind.v, bytes);
  assert.equal(kind.x, null);
  const [some] = await connection.execute(
    "select user_id from users where user_id in (?, ?, ?) order by user_id limit ?", [1, 3, 5, 2]);
  assert.deepEqual(some.map((row) => row.user_id), [1, 3]);
  const [changed] = await connection.execute(
    "update users set name = ? where user_id = ?", ["new", 3]);
  assert.equal(changed.info, "Rows matched: 1  Changed: 1  Warnings: 0");
  const [found] = await connection.execute("select user_id from users where name = ?", ["new"]);
  assert.deepEqual(found, [{ user_id: 3 }]);
}

async function transactions(connection) {
  await connection.beginTransaction();
  await connection.execute("delete from users where user_id > ?", [2]);
  await connection.rollback();
  await connection.beginTransaction();
  await connection.execute("delete from users where user_id = ?", [5]);
  await connection.commit();
  const [[counted]] = await connection.query("select count(*) as n from users");
  assert.equal(counted.n, 4);
  await refused(connection.execute("insert into users values (?, ?)", [1, "twice"]), 1062);
  await refused(connection.query("load data local infile 'x' into table users"), 1235);
  await refused(connection.query("selct 1"), 1064);
}

async function large(connection) {
  const rows = Array.from({ length: 3000 }, (_, i) => [i + 1000, "x".repeat(30)]);
  await connection.query("insert into items values ?", [rows]);
  let streamed = 0;
  for await (const row of connection.connection.query("select * from items").stream()) {
    streamed += row.label.length;
  }
  assert.equal(streamed, 3000 * 30);
  const huge = Buffer.alloc(17_000_000, "y");  // more than one packet
  const [[measured]] = await connection.execute("select length(?) as n", [huge]);
  assert.equal(measured.n, huge.length);
}

async function sessions(connection, where) {
  const [several] = await connection.query("select 1 as a; set @x = 5; select @x as x");
  assert.deepEqual([several[0], several[2]], [[{ a: 1 }], [{ x: 5 }]]);
  await connection.reset();
  const [[after]] = await connection.query("select @x as x, database() as d");
  assert.deepEqual(after, { x: null, d: "main" });
  await connection.changeUser({ ...where, database: "plain" });
  const [[plain]] = await connection.query("select database() as d");
  assert.equal(plain.d, "plain");
}

async function main() {
  const where = await read();
  const connection = await mysql.createConnection({
    ...where, multipleStatements: true, supportBigNumbers: true,
  });
  await statements(connection);
  await transactions(connection);
  await large(connection);
  await sessions(connection, where);
  await connection.end();
  const pool = mysql.createPool({ ...where, connectionLimit: 3 });
  const ids = Array.from({ length: 20 }, (_, i) => i);
  const answers = await Promise.all(ids.map((id) => pool.execute("select ? + 1 as n", [id])));
  assert.deepEqual(answers.map(([[row]]) => row.n), ids.map((id) => id + 1));
  await pool.end();
  console.log("told");
}

main();
