/*******************************************************************************
   A database of music, in the manner of generated scripts.
********************************************************************************/
DROP DATABASE IF EXISTS `Music`;

CREATE DATABASE `Music`;

USE `Music`;

CREATE TABLE `Track`
(
    `TrackId` INT NOT NULL,
    `Name` NVARCHAR(200) NOT NULL,
    `Composer` NVARCHAR(220),
    `Added` DATETIME,
    `UnitPrice` NUMERIC(10,2) NOT NULL,
    CONSTRAINT `PK_Track` PRIMARY KEY  (`TrackId`)
);

CREATE TABLE `Playlist`
(
    `PlaylistId` INT NOT NULL,
    `Name` NVARCHAR(120),
    CONSTRAINT `PK_Playlist` PRIMARY KEY  (`PlaylistId`)
);

CREATE TABLE `PlaylistTrack`
(
    `PlaylistId` INT NOT NULL,
    `TrackId` INT NOT NULL,
    CONSTRAINT `PK_PlaylistTrack` PRIMARY KEY  (`PlaylistId`, `TrackId`)
);

ALTER TABLE `PlaylistTrack` ADD CONSTRAINT `FK_PlaylistTrackTrackId`
    FOREIGN KEY (`TrackId`) REFERENCES `Track` (`TrackId`) ON DELETE NO ACTION ON UPDATE NO ACTION;

CREATE INDEX `IFK_PlaylistTrackTrackId` ON `PlaylistTrack` (`TrackId`);

INSERT INTO `Track` (`TrackId`, `Name`, `Composer`, `Added`, `UnitPrice`) VALUES
    (1, N'Don''t Stop', N'Ana; "B" \\ C', '2021/1/1', 0.99),
    (2, N'Žluťoučký kůň', NULL, '2021/1/2', 1.99);
INSERT INTO `Playlist` (`PlaylistId`, `Name`) VALUES (1, N'90’s Music');
INSERT INTO `PlaylistTrack` (`PlaylistId`, `TrackId`) VALUES (1, 1);
INSERT INTO `PlaylistTrack` (`PlaylistId`, `TrackId`) VALUES (1, 2);
