"""Kafka in and out, on librdkafka: one consumer for all partitions, one producer, offsets committed after delivery."""

from flows.kafka.extent import Block, Extent
from flows.kafka.settings import Settings, SettingsError, read_settings
from flows.kafka.sink import KafkaSink, Topics
from flows.kafka.source import KafkaSource, Share
from flows.kafka.topics import await_topics
from flows.kafka.trouble import Trouble

__all__ = [
    "Block",
    "Extent",
    "KafkaSink",
    "KafkaSource",
    "Settings",
    "SettingsError",
    "Share",
    "Topics",
    "Trouble",
    "await_topics",
    "read_settings",
]
