package fairlead.interop;

import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import jakarta.jms.Topic;
import java.util.ArrayList;
import java.util.List;
import org.apache.qpid.jms.JmsConnectionFactory;

/** What a scenario plays on: connections to two places, names of its own, and a report. */
final class Stage {
  /** Bounds what hangs; nothing is measured by it. */
  static final long PATIENCE_MS = 10_000;

  /** How long something that must not come is waited for. */
  static final long QUIET_MS = 250;

  private static final String OPTIONS =
      "?jms.connectTimeout=10000&jms.requestTimeout=10000&jms.sendTimeout=10000&jms.closeTimeout=5000"
          + "&jms.deserializationPolicy.allowList=*";

  private final String near;
  private final String far;
  private final String prefix;
  private final Report report;
  private final List<Connection> connections = new ArrayList<>();
  private int names;

  Stage(String near, String far, String prefix, Report report) {
    this.near = near;
    this.far = far;
    this.prefix = prefix;
    this.report = report;
  }

  Report report() {
    return report;
  }

  /** A name that no other scenario has. */
  String name(String kind) {
    return prefix + "." + kind + "." + Long.toHexString(System.nanoTime()) + "-" + names++;
  }

  Queue queue(Session session) throws JMSException {
    return session.createQueue(name("q"));
  }

  Topic topic(Session session) throws JMSException {
    return session.createTopic(name("t"));
  }

  /** A started connection to the place beside the client. */
  Connection near() throws JMSException {
    return started(near, "", null);
  }

  /** The same to the other place. */
  Connection far() throws JMSException {
    return started(far, "", null);
  }

  Connection near(String clientId) throws JMSException {
    return started(near, "", clientId);
  }

  /** Where subscriptions of this run are made, and live from then on. */
  Connection origin(String clientId) throws JMSException {
    return prefix.equals("there") ? far(clientId) : near(clientId);
  }

  Connection far(String clientId) throws JMSException {
    return started(far, "", clientId);
  }

  /** @param options further ones of Qpid JMS, beginning with an ampersand */
  Connection nearWith(String options) throws JMSException {
    return started(near, options, null);
  }

  Connection farWith(String options) throws JMSException {
    return started(far, options, null);
  }

  Session session() throws JMSException {
    return near().createSession(Session.AUTO_ACKNOWLEDGE);
  }

  Session session(int mode) throws JMSException {
    return near().createSession(mode);
  }

  private synchronized Connection started(String url, String options, String clientId) throws JMSException {
    JmsConnectionFactory factory = new JmsConnectionFactory(url + OPTIONS + options);
    Connection connection = factory.createConnection();
    connections.add(connection);
    if (clientId != null) connection.setClientID(clientId);
    connection.start();
    return connection;
  }

  /** Closes what the scenario has opened; what is broken already is no further failure. */
  synchronized void close() {
    for (Connection connection : connections) {
      try {
        connection.close();
      } catch (JMSException broken) {
        report.check("closes its connections", false, broken.toString());
      }
    }
    connections.clear();
  }

  static void send(Session session, MessageProducer producer, String... texts) throws JMSException {
    for (String text : texts) producer.send(session.createTextMessage(text));
  }

  /** The next message's text, or null when none comes. */
  static String next(MessageConsumer consumer) throws JMSException {
    return text(consumer.receive(PATIENCE_MS));
  }

  static String text(Message message) throws JMSException {
    return message == null ? null : ((TextMessage) message).getText();
  }

  static List<String> next(MessageConsumer consumer, int count) throws JMSException {
    List<String> texts = new ArrayList<>();
    while (texts.size() < count) {
      String text = next(consumer);
      if (text == null) break;
      texts.add(text);
    }
    return texts;
  }

  void nothing(String what, MessageConsumer consumer) throws JMSException {
    Message message = consumer.receive(QUIET_MS);
    report.check(what, message == null, "found " + (message == null ? "nothing" : text(message)));
  }
}
