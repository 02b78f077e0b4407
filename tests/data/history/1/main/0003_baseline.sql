create table never_run_3 (n integer);
