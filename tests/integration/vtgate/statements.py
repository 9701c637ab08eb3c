"""Statements for the differential test: by hand, and by chance."""
# ruff: noqa: E501  a statement reads best on one line

import random

KINDS_ROWS: tuple[str, ...] = (
    "insert into users (user_id, name) values (101,'Jacques'),(102,'Jacques'),(1,'anna'),"
    "(2,'Anna'),(3,'ANNA'),(4,'Ärger'),(5,'bob'),(7,'zoë'),(8,'Zoe'),(9,'o''hara'),(10,'b\\\\ob')",
    "insert into orders values (1,101,10.50,'first'),(2,101,2.25,NULL),(3,102,7,'x'),(4,1,0.01,'X'),"
    "(5,2,99999.99,'y'),(6,3,-5,'first'),(7,5,10.5,'Y'),(8,101,3,'z')",
    "insert into kinds values "
    "(1,5,18446744073709551615,1.500,3.14159,0.1,'2020-01-01','2020-01-01 01:02:03.123',"
    "'-12:00:00',2020,'a','x,y','Abc','Abc','Abc',x'00ff','text one',b'101'),"
    "(2,-5,0,-1.500,16777216,1e20,'1999-12-31','1999-12-31 23:59:59.999','100:00:00',1999,'z','w',"
    "'abc','abc','abc','abc','TEXT two',b'1'),"
    "(3,NULL,7,NULL,-2.5,-0.000001,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),"
    "(4,5,18,100,2.71828,123456789.123,'2020-01-01','2020-01-01 01:02:03.124','00:00:01',2021,'m',"
    "'x','abd','ABD','äbd','ABC','zzz',b'111111111'),"
    "(5,2147483647,1,0.001,3.141592,2.5e-20,'2000-02-29','2000-02-29 00:00:00','-00:00:01',2000,'a',"
    "'y','a b','a b','a b','a b','a\\tb',b'0'),"
    "(6,0,2,0,0,0,'2024-02-29','2024-02-29 10:00:00','23:59:59',2024,'m','','','','','','',b'10'),"
    "(7,1,3,1.5,1.5,1.5,'2020-01-02','2020-01-02 00:00:00','12:00:00',2020,'z','x,y,w','ab','ab','AB',"
    "'ab\\0','x',b'11'),"
    "(8,-2147483648,4,12345678.999,1e-10,1e15,'1970-01-01','1970-01-01 00:00:01','00:00:00',1970,'a',"
    "'w,y','ABC','ABC','ABC','abc ','abc',b'100')",
    "insert into accounts values ('a@x',1),('A@X2',2),('b@y',3),('c@z',4)",
)

STATEMENTS: tuple[tuple[str, ...], ...] = (
    ("select * from users",),
    ("select * from users where user_id = 101",),
    ("select name, user_id from users where user_id in (101, 102, 5)",),
    ("select * from users where user_id = '101'",),
    ("select * from users where user_id = 101.0",),
    ("select * from users where user_id = 1e2+1",),
    ("select * from users where user_id = NULL",),
    ("select * from users where user_id is null",),
    ("select * from users where user_id <=> 101",),
    ("select * from users where user_id = '101abc'",),
    ("select * from users where user_id between 1 and 5 order by user_id",),
    ("select * from users where name = 'jacques' order by user_id",),
    ("select * from users where name = 'ÄRGER'",),
    ("select * from users where name in ('anna', 'bob') order by user_id",),
    ("select * from users where name = 'nobody'",),
    ("select count(*) from users where name = 'nobody'",),
    ("select * from users where name = 0 order by user_id",),
    ("select * from users where name like 'a%' order by user_id",),
    ("select * from users where user_id = 101 or name = 'bob' order by user_id",),
    ("select * from users where user_id = 101 and name = 'bob'",),
    ("select * from users where not user_id = 101 order by user_id desc",),
    ("select user_id u, upper(name) as n from users order by n, u",),
    ("select user_id, name from users order by 2 desc, 1",),
    ("select name from users order by user_id limit 3",),
    ("select name from users order by user_id limit 2, 3",),
    ("select name from users order by user_id limit 3 offset 4",),
    ("select name from users order by user_id limit 0",),
    ("select name from users order by length(name), user_id desc limit 4",),
    ("select distinct name from users order by name", "loose"),
    ("select distinct i from kinds order by i",),
    ("select distinct dt, y from kinds",),
    ("select distinct e from kinds",),
    ("select distinct f from kinds",),
    ("select count(*) from users",),
    ("select count(*), min(user_id), max(user_id), sum(user_id), avg(user_id) from users",),
    ("select count(name) from users where user_id > 1000000",),
    ("select sum(total), avg(total), min(note), max(note), count(note) from orders",),
    ("select user_id, count(*), sum(total) from orders group by user_id order by user_id",),
    ("select note, count(*) from orders group by note order by count(*) desc, note", "loose"),
    ("select lower(note) n, count(*) from orders group by n order by n",),
    ("select note, count(*) from orders group by note order by null", "loose"),
    ("select `note`, sum(total) from orders o group by o.`note` order by `o`.`note`",),
    ("select o.note z, id from orders o order by note, `id`",),
    ("select lower(note), sum(total) from orders group by 1 order by 1",),
    ("select user_id, count(*) c from orders group by user_id having c > 1 order by user_id",),
    ("select note, count(*) c from orders group by note having c > 1", "refused"),
    ("select i, count(*), avg(d), min(c), max(b), min(dt), max(t), sum(g) from kinds group by i "
     "order by i",),
    ("select count(distinct id) from kinds",),
    ("select count(distinct i) from kinds", "refused"),
    ("select count(*) + 1 from kinds", "refused"),
    ("select max(f), min(f), max(g), min(g), max(ts), min(ts), max(t), min(t), max(y) from kinds",),
    ("select min(e), max(e), min(s), max(s), max(v), min(v), max(bi), max(u), min(x) from kinds",),
    ("select id from kinds order by i, id",),
    ("select id from kinds order by i desc, id desc",),
    ("select id from kinds order by u",),
    ("select id from kinds order by d, id",),
    ("select id from kinds order by f, id",),
    ("select id from kinds order by g, id",),
    ("select id from kinds order by dt, id",),
    ("select id from kinds order by ts, id",),
    ("select id from kinds order by t, id",),
    ("select id from kinds order by y, id",),
    ("select id from kinds order by e, id",),
    ("select id from kinds order by e desc, id",),
    ("select id from kinds order by s, id",),
    ("select id from kinds order by c, id",),
    ("select id from kinds order by b, id",),
    ("select id from kinds order by n, id",),
    ("select id from kinds order by v, id",),
    ("select id from kinds order by x, id",),
    ("select id from kinds order by bi, id",),
    ("select id, c from kinds order by c desc, id limit 3",),
    ("select * from kinds order by id",),
    ("select id from kinds order by rand()", "refused"),
    ("select *, c from kinds order by 3", "refused"),
    ("select u.name, o.total from users u join orders o on o.user_id = u.user_id order by o.id",),
    ("select u.name, count(*) from users u, orders o where u.user_id = o.user_id and "
     "u.user_id = 101 group by u.name",),
    ("select u.user_id, o.id from users u left join orders o on o.user_id = u.user_id "
     "order by u.user_id, o.id",),
    ("select u.user_id from users u left join orders o on o.user_id = u.user_id and u.user_id = 5 "
     "order by u.user_id, o.id",),
    ("select user_id from users u where exists (select 1 from orders o where o.user_id = u.user_id)"
     " order by user_id",),
    ("select user_id from users u where not exists "
     "(select 1 from orders o where o.user_id = u.user_id and o.user_id = 101) order by user_id",),
    ("select user_id, (select count(*) from orders o where o.user_id = u.user_id) c from users u "
     "order by user_id",),
    ("select * from users where user_id in (select user_id from orders)", "refused"),
    ("select * from (select count(*) c from users) x", "refused"),
    ("select * from (select name from users where user_id = 101) x",),
    ("select name from users where user_id = 1 union select name from users where user_id = 1",),
    ("select name from users union select note from orders", "refused"),
    ("select u.name, o.total from users u join orders o on o.id = u.user_id", "refused"),
    ("select row_number() over (order by user_id) from users", "refused"),
    ("select row_number() over (order by id) from orders where user_id = 101",),
    ("select group_concat(name) from users", "refused"),
    ("select group_concat(name) from users where user_id = 101",),
    ("select * from accounts where email = 'A@x'",),
    ("select * from accounts where email = 'a@x2'",),
    ("select * from accounts where email in ('a@x', 'B@Y') order by balance",),
    ("select 1",),
    ("select 1 + 1, 'x'",),
    ("select now() > '2020-01-01'",),
    ("select count(*) from users where user_id > 5 and 1 = 1 -- comment",),
    ("select /* a comment */ name from users where user_id = /* here */ 101",),
    ("select `name` from `users` where `user_id` = 101",),
    ('select name from users where name = "bob"',),
    ("select 'it''s', \"a\\\"b\", 'c\\'d' from users where user_id = 1",),
    ("select name as 'n' from users where user_id = 1",),
    ("select name 'n' from users order by user_id limit 1",),
    ("select /*!40000 name */ from users where user_id = 101",),
    ("select -user_id from users order by -user_id limit 3",),
    ("select user_id from users where user_id = -1",),
    ("select if(user_id > 5, 'big', 'small') s, count(*) from users group by s order by s",),
    ("select case when user_id > 5 then 1 else 0 end as k, count(*) from users group by k order by k",),
    ("insert into users values (200, 'new'), (201, 'new'), (202, 'newer')",),
    ("select * from users where name = 'new' order by user_id",),
    ("insert into users (name, user_id) values ('two', 203)",),
    ("insert into users set user_id = 204, name = 'set'",),
    ("insert into users values (101, 'dup')",),
    ("select count(*) from users_name_idx where name = 'dup'",),
    ("insert into users (user_id, name) values (205, 'u') on duplicate key update user_id = 1",
     "refused"),
    ("insert into orders (id, user_id, total) values (1, 101, 5) on duplicate key update total = 5",),
    ("replace into orders values (2, 101, 8, 'replaced')",),
    ("insert ignore into orders values (2, 101, 8, 'ignored')",),
    ("update users set name = 'newest' where user_id = 200",),
    ("select * from users where name = 'newest'",),
    ("select name, user_id from users_name_idx where name in ('new', 'newest') order by user_id",),
    ("update users set name = 'same' where user_id in (201, 202)",),
    ("select user_id from users where name = 'same' order by user_id",),
    ("update users set user_id = 5 where user_id = 200", "refused"),
    ("update orders set total = total + 1 where user_id = 101",),
    ("update orders set total = total * 2",),
    ("update orders set note = 'w' where id > 4",),
    ("update orders set note = 'w' where id > 4 limit 1", "refused"),
    ("update orders set note = 'lim' where user_id = 101 order by id limit 1",),
    ("select * from orders order by id",),
    ("delete from users where user_id = 201",),
    ("select count(*) from users_name_idx where user_id = 201",),
    ("delete from users where name = 'same'",),
    ("delete from orders where id in (1, 3, 5)",),
    ("delete from orders where user_id in (101, 102)",),
    ("select * from orders order by id",),
    ("select * from users order by user_id",),
    ("select name, user_id from users_name_idx order by name, user_id",),
    ("delete from users where name like 'a%'",),
    ("select name, user_id from users_name_idx order by name, user_id",),
    ("delete from users",),
    ("select count(*) from users_name_idx",),
    ("select * from nothing",),
    ("select nothing from users",),
    ("select name from users group by nothing",),
    ("selct 1",),
)  # fmt: skip


class RandomStatements:
    """Statements that are mostly meaningful; the same seed, the same statements."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._next_id = 1000

    def statement(self) -> tuple[str, bool]:
        """Return a statement, and whether the order of its rows is fixed."""
        kind = self._chance.random()
        if kind < 0.72:
            return self._select()
        return self._change(), False

    def _pick(self, *items: str) -> str:
        return self._chance.choice(items)

    def _where(self, *, users: bool = False) -> str:
        if self._chance.random() < 0.2:
            return ""
        one = self._condition(users=users)
        joint = self._chance.random()
        if joint < 0.3:
            return f" where {one} and {self._condition(users=users)}"
        if joint < 0.5:
            return f" where {one} or {self._condition(users=users)}"
        if joint < 0.6:
            return f" where not ({one})"
        return f" where {one}"

    def _condition(self, *, users: bool) -> str:
        number = str(self._chance.randint(-1, 9))
        if users:
            return self._pick(
                f"user_id = {number}",
                f"user_id in ({number}, 101, 5)",
                f"user_id > {number}",
                "name = 'anna'",
                "name = 'Jacques'",
                "name in ('bob', 'Zoe', 'x')",
                "name is not null",
                f"user_id = '{number}'",
                f"(user_id = {number})",
            )
        return self._pick(
            f"id = {number}",
            f"id in ({number}, 3, 7)",
            f"id = {number}.0",
            f"id <= {number}",
            f"i >= {number}",
            "c = 'abc'",
            "c like 'a%'",
            "dt > '2000-01-01'",
            "e = 'a'",
            "g < 2",
            f"id between 2 and {number}",
            "i is null",
            "n <> 'abc'",
            f"{number} = id",
        )

    def _select(self) -> tuple[str, bool]:
        shape = self._chance.random()
        if shape < 0.35:
            return self._rows()
        if shape < 0.75:
            return self._groups()
        columns = self._pick("*", "user_id, name", "name n, user_id", "user_id + 1 as up, name")
        order = self._pick("", " order by user_id", " order by name, user_id desc")
        limit = self._limit() if order else ""
        return f"select {columns} from users{self._where(users=True)}{order}{limit}", bool(order)

    def _limit(self) -> str:
        count = self._chance.randint(0, 6)
        offset = self._chance.randint(0, 4)
        return self._pick("", "", f" limit {count}", f" limit {offset}, {count}")

    def _rows(self) -> tuple[str, bool]:
        distinct = self._chance.random() < 0.25
        if distinct:
            columns = self._pick("i", "dt", "e", "y, i", "t", "bi", "u")
            return f"select distinct {columns} from kinds{self._where()}", False
        columns = self._pick(
            "*", "id, c", "id, d as dd, f", "c, id", "id, concat(c, '!') cc", "ts, t, id, y"
        )
        terms = self._chance.sample(
            ["i", "u", "d", "f", "g", "dt", "ts", "t", "y", "e", "s", "c", "b", "n", "v", "bi"],
            self._chance.randint(1, 3),
        )
        order = ", ".join(term + self._pick("", " desc", " asc") for term in terms)
        text = f"select {columns} from kinds{self._where()} order by {order}, id{self._limit()}"
        return text, True

    def _groups(self) -> tuple[str, bool]:
        aggregates = self._chance.sample(
            [
                "count(*)", "count(i)", "sum(i)", "sum(d)", "avg(i)", "avg(d)", "min(dt)", "max(ts)",
                "min(t)", "max(t)", "max(g)", "min(f)", "max(u)", "sum(u)", "max(bi)", "min(y)",
                "count(distinct id)", "avg(u)", "max(v)", "min(id)",
            ],
            self._chance.randint(1, 4),
        )  # fmt: skip
        if self._chance.random() < 0.35:
            return f"select {', '.join(aggregates)} from kinds{self._where()}", False
        key = self._pick("i", "dt", "e", "y", "lower(c)", "id", "u % 3", "year(dt)", "s")
        label = self._pick("", " as k")
        group = "k" if label and self._chance.random() < 0.5 else key
        order = self._pick("", f" order by {group}")
        limit = self._limit() if order else ""
        having = " having count(*) > 0" if self._chance.random() < 0.1 else ""
        text = (
            f"select {key}{label}, {', '.join(aggregates)} from kinds{self._where()} "
            f"group by {group}{having}{order}{limit}"
        )
        return text, bool(order)

    def _change(self) -> str:
        self._next_id += 1
        number = self._chance.randint(1, 12)
        word = self._pick("anna", "bob", "Neu", "o''x", "Zoe")
        return self._pick(
            f"insert into users values ({self._next_id}, '{word}')",
            f"insert into users values ({self._next_id}, '{word}'), ({self._next_id + 500}, 'm')",
            f"insert into users values ({number}, '{word}')",
            f"update users set name = '{word}' where user_id = {number}",
            f"update users set name = '{word}'{self._where(users=True)}",
            f"delete from users where user_id = {number}",
            f"delete from users where name = '{word}' and user_id > 5",
            f"update kinds set i = {number}{self._where()}",
            f"update orders set total = total + 1 where user_id in ({number}, 101)",
            f"replace into orders values ({number + 5000}, {number}, 1, 'r')",
            f"insert into orders values ({self._next_id}, {number}, 2.5, '{word}')",
            f"delete from orders where id = {number}",
            f"select * from users where name = '{word}' order by user_id",
            "select name, user_id from users_name_idx order by name, user_id",
        )
