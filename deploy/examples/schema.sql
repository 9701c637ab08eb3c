create table users(
  user_id bigint,
  name varchar(128),
  primary key(user_id)
);
create table users_name_idx(
  user_id bigint,
  name varchar(128),
  primary key(name, user_id)
);
