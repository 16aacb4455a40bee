"""Before anything starts: is there a broker, and does it have the topics?"""

from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from flows.kafka.settings import Value, log
from flows.kafka.trouble import Trouble, sentence_of
from flows.lifecycle import Stop

ASK_TIMEOUT_S = 1.0
CREATE_TIMEOUT_S = 5.0
BROKERS_DEFAULT = -1


def await_topics(
    producer: Producer,
    read: str,
    written: Sequence[str],
    admin: Mapping[str, Value],
    trouble: Trouble,
    stop: Stop,
) -> bool:
    """Waits until a broker has them all and tells what is in the way; False when the stop came first.

    Topics to be written that are missing are created once the one to be read is there; `admin` is the configuration
    of the client that does it.
    """
    while not stop.requested:
        try:
            known = producer.list_topics(timeout=ASK_TIMEOUT_S).topics
        except KafkaException as error:
            producer.poll(0)
            trouble.away(error.args[0].str())
            continue
        missing = [topic for topic in (read, *written) if topic not in known or known[topic].error is not None]
        if not missing:
            trouble.over()
            return True
        if read in missing:
            trouble.tell(f"expected the topic `{read}` to read, which the broker does not have or does not show")
        elif _create(missing, admin, trouble):
            continue
        producer.poll(ASK_TIMEOUT_S)
    return False


def _create(topics: Sequence[str], admin: Mapping[str, Value], trouble: Trouble) -> bool:
    """Whether all of them were created; what the broker refuses is told."""
    # Partitions and replicas are the broker's own defaults: nothing is known here that would be better.
    wanted = [NewTopic(topic, num_partitions=BROKERS_DEFAULT, replication_factor=BROKERS_DEFAULT) for topic in topics]
    client = AdminClient(dict(admin), error_cb=trouble.on_error, logger=log())
    done = client.create_topics(wanted, request_timeout=CREATE_TIMEOUT_S)
    refused = False
    for topic, created in done.items():
        try:
            created.result()
        except KafkaException as error:
            refused = True
            trouble.tell(
                f"expected the topic `{topic}` to write, which the broker does not have or does not show, and it cannot"
                f" be created: {sentence_of(error)}"
            )
        else:
            trouble.note(f"topic `{topic}` was missing and is created with the broker's defaults")
    return not refused
