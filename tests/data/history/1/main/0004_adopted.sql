create table never_run_4 (n integer);
