create table users (
  user_id bigint not null,
  name varchar(128),
  primary key (user_id)
);

create table users_name_idx (
  name varchar(128) not null,
  user_id bigint not null,
  primary key (name, user_id)
);
