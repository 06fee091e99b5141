-- Names that MySQL does not take, and too many keys.
CREATE TABLE `a ` (a INT);
CREATE TABLE n (`a ` INT);
CREATE TABLE n (a INT);
ALTER TABLE n ADD COLUMN `b ` INT;
ALTER TABLE n RENAME COLUMN a TO `b `;
CREATE DATABASE `d `;
CREATE TABLE k (a INT PRIMARY KEY, b INT, KEY k0 (b), KEY k1 (b), KEY k2 (b), KEY k3 (b), KEY k4 (b), KEY k5 (b), KEY k6 (b), KEY k7 (b), KEY k8 (b), KEY k9 (b), KEY k10 (b), KEY k11 (b), KEY k12 (b), KEY k13 (b), KEY k14 (b), KEY k15 (b), KEY k16 (b), KEY k17 (b), KEY k18 (b), KEY k19 (b), KEY k20 (b), KEY k21 (b), KEY k22 (b), KEY k23 (b), KEY k24 (b), KEY k25 (b), KEY k26 (b), KEY k27 (b), KEY k28 (b), KEY k29 (b), KEY k30 (b), KEY k31 (b), KEY k32 (b), KEY k33 (b), KEY k34 (b), KEY k35 (b), KEY k36 (b), KEY k37 (b), KEY k38 (b), KEY k39 (b), KEY k40 (b), KEY k41 (b), KEY k42 (b), KEY k43 (b), KEY k44 (b), KEY k45 (b), KEY k46 (b), KEY k47 (b), KEY k48 (b), KEY k49 (b), KEY k50 (b), KEY k51 (b), KEY k52 (b), KEY k53 (b), KEY k54 (b), KEY k55 (b), KEY k56 (b), KEY k57 (b), KEY k58 (b), KEY k59 (b), KEY k60 (b), KEY k61 (b), KEY k62 (b), KEY k63 (b));
CREATE TABLE k (a INT PRIMARY KEY, b INT, KEY k0 (b), KEY k1 (b), KEY k2 (b), KEY k3 (b), KEY k4 (b), KEY k5 (b), KEY k6 (b), KEY k7 (b), KEY k8 (b), KEY k9 (b), KEY k10 (b), KEY k11 (b), KEY k12 (b), KEY k13 (b), KEY k14 (b), KEY k15 (b), KEY k16 (b), KEY k17 (b), KEY k18 (b), KEY k19 (b), KEY k20 (b), KEY k21 (b), KEY k22 (b), KEY k23 (b), KEY k24 (b), KEY k25 (b), KEY k26 (b), KEY k27 (b), KEY k28 (b), KEY k29 (b), KEY k30 (b), KEY k31 (b), KEY k32 (b), KEY k33 (b), KEY k34 (b), KEY k35 (b), KEY k36 (b), KEY k37 (b), KEY k38 (b), KEY k39 (b), KEY k40 (b), KEY k41 (b), KEY k42 (b), KEY k43 (b), KEY k44 (b), KEY k45 (b), KEY k46 (b), KEY k47 (b), KEY k48 (b), KEY k49 (b), KEY k50 (b), KEY k51 (b), KEY k52 (b), KEY k53 (b), KEY k54 (b), KEY k55 (b), KEY k56 (b), KEY k57 (b), KEY k58 (b), KEY k59 (b), KEY k60 (b), KEY k61 (b), KEY k62 (b));
CREATE INDEX one_more ON k (b);
