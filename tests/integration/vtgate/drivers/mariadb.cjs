// The story of an application, told by MariaDB's driver: it sends EXECUTE before PREPARE is
// answered. Reads where to connect as JSON from stdin.
"use strict";
const assert = require("node:assert/strict");
const mariadb = require("mariadb");
const { read, refused } = require("./story.cjs");

async function statements(connection) {
  const day = new Date("2024-02-29T12:34:56.789Z");
  const bytes = Buffer.from([0, 255, 39, 92, 128, 26]);
  const big = 18446744073709551615n;
  await connection.batch("insert into users values (?, ?)", [[1, "a"], [2n, "b"], [3, "c"]]);
  await connection.execute(
    "insert into kinds (id, i, u, d, g, ts, c, v) values (?, ?, ?, ?, ?, ?, ?, ?)",
    [1, true, big, "12.5", 0.1, day, "é'\\", bytes],
  );
  const [kind] = await connection.execute("select * from kinds where id = ?", [1]);
  assert.deepEqual(
    [kind.id, kind.i, kind.u, kind.d, kind.g, kind.c, kind.x],
    [1n, 1, big, "12.500", 0.1, "é'\\", null],
  );
  assert.equal(kind.ts.getTime(), day.getTime());
  assert.deepEqual(kind.v, bytes);
  const prepared = await connection.prepare("select name from users where user_id = ?");
  for (const [id, name] of [[1, "a"], [2, "b"], [3, "c"], [1, "a"]]) {
    assert.deepEqual([...(await prepared.execute([id]))], [{ name }]);
  }
  prepared.close();
  await refused(connection.execute("select nothing from nowhere where x = ?", [1]), 1109);
  await refused(connection.execute("insert into users values (?, ?)", [1, "twice"]), 1062);
}

async function transactions(connection) {
  await connection.beginTransaction();
  await connection.execute("delete from users where user_id > ?", [1]);
  await connection.rollback();
  assert.deepEqual([...(await connection.query("select count(*) as n from users"))], [{ n: 3n }]);
  await refused(connection.query("load data local infile 'x' into table users"), 1235);
}

async function sessions(connection, where) {
  await connection.query("set @x = 5");
  await connection.reset();
  const [after] = await connection.query("select @x as x, database() as d");
  assert.deepEqual([after.x, after.d], [null, "main"]);
  if (connection.info.isMariaDB()) {  // of MySQL the driver does not ask it
    await connection.changeUser({ ...where, database: "plain" });
  } else {
    await connection.query("use plain");
  }
  const [plain] = await connection.query("select database() as d");
  assert.equal(plain.d, "plain");
  let streamed = 0;
  for await (const row of connection.queryStream("select * from main.users")) {
    streamed += row.name.length;
  }
  assert.equal(streamed, 3);
}

async function main() {
  const where = await read();
  const connection = await mariadb.createConnection(where);
  await statements(connection);
  await transactions(connection);
  await sessions(connection, where);
  await connection.end();
  const pool = mariadb.createPool({ ...where, connectionLimit: 3, resetAfterUse: true });
  const ids = Array.from({ length: 20 }, (_, i) => i);
  const answers = await Promise.all(ids.map((id) => pool.execute("select ? + 1 as n", [id])));
  assert.deepEqual(answers.map(([row]) => Number(row.n)), ids.map((id) => id + 1));
  await pool.end();
  console.log("told");
}

main();
