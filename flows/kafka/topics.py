"""Before anything starts: is there a broker, and does it have the topics?"""

from collections.abc import Sequence

from confluent_kafka import KafkaException, Producer

from flows.kafka.trouble import Trouble
from flows.lifecycle import Stop

ASK_TIMEOUT_S = 1.0


def await_topics(producer: Producer, topics: Sequence[str], trouble: Trouble, stop: Stop) -> bool:
    """Waits until a broker has them all and tells what is in the way; False when the stop came first."""
    while not stop.requested:
        try:
            known = producer.list_topics(timeout=ASK_TIMEOUT_S).topics
        except KafkaException as error:
            producer.poll(0)
            trouble.away(error.args[0].str())
            continue
        missing = [f"`{topic}`" for topic in topics if topic not in known or known[topic].error is not None]
        if not missing:
            trouble.over()
            return True
        trouble.tell(f"expected the topics {', '.join(missing)}, which the broker does not have or does not show")
        producer.poll(ASK_TIMEOUT_S)
    return False
