package fairlead.interop;

import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TemporaryQueue;
import jakarta.jms.TemporaryTopic;
import java.util.List;
import java.util.Map;

/** Destinations that live as long as their connection. */
final class Temporary {
  private Temporary() {}

  static void addTo(Map<String, Scenario> all) {
    all.put("request-reply", Temporary::requestReply);
    all.put("temporary-queue", Temporary::temporaryQueue);
    all.put("temporary-queue-deleted", Temporary::deleted);
    all.put("temporary-queue-gone", Temporary::gone);
    all.put("temporary-topic", Temporary::temporaryTopic);
  }

  private static void requestReply(Stage stage) throws Exception {
    Session asking = stage.session();
    Session answering = stage.far().createSession(Session.AUTO_ACKNOWLEDGE);
    Queue questions = stage.queue(asking);
    MessageConsumer service = answering.createConsumer(questions);
    MessageProducer answers = answering.createProducer(null);
    TemporaryQueue mailbox = asking.createTemporaryQueue();
    MessageConsumer inbox = asking.createConsumer(mailbox);
    MessageProducer producer = asking.createProducer(questions);
    for (int n = 0; n < 10; n++) {
      Message question = asking.createTextMessage("question " + n);
      question.setJMSReplyTo(mailbox);
      producer.send(question);
      Message asked = service.receive(Stage.PATIENCE_MS);
      Message answer = answering.createTextMessage("answer to " + Stage.text(asked));
      answer.setJMSCorrelationID(asked.getJMSMessageID());
      answers.send(asked.getJMSReplyTo(), answer);
      Message answered = inbox.receive(Stage.PATIENCE_MS);
      stage.report().equal("answer " + n, "answer to question " + n, Stage.text(answered));
      stage.report().equal("its question " + n, question.getJMSMessageID(), answered.getJMSCorrelationID());
    }
  }

  private static void temporaryQueue(Stage stage) throws Exception {
    Session session = stage.session();
    TemporaryQueue queue = session.createTemporaryQueue();
    MessageProducer producer = session.createProducer(queue);
    Stage.send(session, producer, "a", "b", "c");
    MessageConsumer consumer = session.createConsumer(queue);
    stage.report().equal("keeps until it is read", List.of("a", "b", "c"), Stage.next(consumer, 3));
    TemporaryQueue other = session.createTemporaryQueue();
    stage.report().check("each has its name", !queue.getQueueName().equals(other.getQueueName()), other.getQueueName());
  }

  private static void deleted(Stage stage) throws Exception {
    Session session = stage.session();
    TemporaryQueue queue = session.createTemporaryQueue();
    queue.delete();
    try {
      session.createProducer(queue);
      stage.report().check("a deleted one takes nothing", false, "a producer was made");
    } catch (JMSException refused) {
      stage.report().check("a deleted one takes nothing", true, refused.toString());
    }
  }

  private static void gone(Stage stage) throws Exception {
    Connection owner = stage.near();
    TemporaryQueue queue = owner.createSession(Session.AUTO_ACKNOWLEDGE).createTemporaryQueue();
    Session far = stage.far().createSession(Session.AUTO_ACKNOWLEDGE);
    Queue byName = far.createQueue(queue.getQueueName());
    Stage.send(far, far.createProducer(byName), "while it lives");
    stage.report().check("lives with its connection", true, queue.getQueueName());
    owner.close();
    try {
      Stage.send(far, far.createProducer(queue), "afterwards");
      stage.report().check("is gone with its connection", false, "a message was taken");
    } catch (JMSException refused) {
      stage.report().check("is gone with its connection", true, refused.toString());
    }
  }

  private static void temporaryTopic(Stage stage) throws Exception {
    Connection connection = stage.near();
    Session session = connection.createSession(Session.AUTO_ACKNOWLEDGE);
    TemporaryTopic topic = session.createTemporaryTopic();
    MessageConsumer one = session.createConsumer(topic);
    MessageConsumer other = connection.createSession(Session.AUTO_ACKNOWLEDGE).createConsumer(topic);
    Session far = stage.far().createSession(Session.AUTO_ACKNOWLEDGE);
    Stage.send(far, far.createProducer(topic), "hello");
    stage.report().equal("one subscriber", "hello", Stage.next(one));
    stage.report().equal("the other", "hello", Stage.next(other));
  }
}
